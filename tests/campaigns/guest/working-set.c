// A working set larger than memory: fills pages with content that a seed determines, then touches them in random order, round after round.
// Each page is compared byte for byte. A quarter of the pages is written with new content, and one in sixteen is given back and must read
// as zeros. Exit code 1: a wrong byte. Exit code 3: the kernel could not read a page back (SIGBUS).
//   working-set MIB ROUNDS SEED
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page_size = 4096, words = page_size / 8, vocabulary_size = 64 };

static uint64_t seed, state;
static uint64_t vocabulary[vocabulary_size];
static volatile size_t touched;

static uint64_t next(void) // splitmix64
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// Version 0 is a page that was given back: zeros. Of the others, one in eight is random, one in eight one repeated word, one in 32 zeros;
// the rest compresses to about half.
static void expect(uint64_t page[words], size_t number, uint32_t version)
{
    memset(page, 0, page_size);
    if (version == 0)
        return;
    state = seed ^ (uint64_t)number << 32 ^ version;
    unsigned kind = next() % 32;
    uint64_t repeated = next();
    for (int i = 0; i < words && kind != 0; i++)
        page[i] = kind <= 4 ? next() : kind <= 8 ? repeated : next() % 8 == 0 ? next() : vocabulary[next() % vocabulary_size];
}

static void on_bus_error(int signal)
{
    (void)signal;
    char message[80];
    int length = snprintf(message, sizeof message, "working-set: SIGBUS at page %zu\n", (size_t)touched);
    (void)!write(STDOUT_FILENO, message, length);
    _exit(3);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: working-set MIB ROUNDS SEED\n");
        return 2;
    }
    size_t count = (size_t)atol(argv[1]) * (1 << 20) / page_size;
    int rounds = atoi(argv[2]);
    seed = strtoull(argv[3], NULL, 0) * 0x9e3779b97f4a7c15u;
    signal(SIGBUS, on_bus_error);
    setvbuf(stdout, NULL, _IOLBF, 0);
    uint64_t *memory = mmap(NULL, count * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint32_t *versions = malloc(count * sizeof *versions), *order = malloc(count * sizeof *order);
    if (memory == MAP_FAILED || versions == NULL || order == NULL) {
        perror("working-set");
        return 2;
    }
    madvise(memory, count * page_size, MADV_NOHUGEPAGE);
    state = seed;
    for (int i = 0; i < vocabulary_size; i++)
        vocabulary[i] = next();
    for (size_t i = 0; i < count; i++) {
        touched = i;
        expect(memory + i * words, i, versions[i] = 1);
        order[i] = i;
    }
    printf("working-set: filled %zu pages\n", count);

    uint64_t random = seed, verified = 0, rewritten = 0, dropped = 0, wrong = 0;
    uint64_t expected[words];
    for (int round = 1; round <= rounds; round++) {
        state = random;
        for (size_t i = count - 1; i > 0; i--) {
            size_t j = next() % (i + 1);
            uint32_t swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        random = state;
        for (size_t i = 0; i < count; i++) {
            size_t page = touched = order[i];
            uint64_t *at = memory + page * words;
            expect(expected, page, versions[page]);
            verified++;
            if (memcmp(at, expected, page_size) != 0 && wrong++ < 10)
                printf("working-set: page %zu differs in round %d (version %u)\n", page, round, versions[page]);
            state = random;
            unsigned choice = next() % 16;
            random = state;
            if (choice < 4) {
                expect(at, page, versions[page] = round + 1);
                rewritten++;
            } else if (choice == 4) {
                madvise(at, page_size, MADV_DONTNEED);
                versions[page] = 0;
                dropped++;
            }
        }
        printf("working-set: round %d of %d, %llu pages verified, %llu rewritten, %llu given back, %llu wrong\n", round, rounds,
            (unsigned long long)verified, (unsigned long long)rewritten, (unsigned long long)dropped, (unsigned long long)wrong);
    }
    for (size_t i = 0; i < count; i++) {
        touched = i;
        expect(expected, i, versions[i]);
        wrong += memcmp(memory + i * words, expected, page_size) != 0;
    }
    printf("working-set: %llu wrong pages\n", (unsigned long long)wrong);
    return wrong == 0 ? 0 : 1;
}
