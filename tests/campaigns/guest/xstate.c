// User-mode Linux 6.1 keeps a guest's floating-point registers in 2,696 bytes. Where the processor has more (AMX: 11,008), this machine's
// kernel refuses to set a part (EFAULT), and the guest dies at its first instruction. Preloaded into linux.uml, this sets the part that is
// given and leaves the rest as it is.
// It does not look at errno: a timer signal that arrives between the C library's write of errno and a read of it runs user-mode Linux's
// interrupt handlers, which overwrite errno (EAGAIN, from an empty socket) and do not restore it.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>

// The system call itself: its error comes back as a negative result.
static long raw_ptrace(long request, long pid, void *address, void *data)
{
    long result;
    register void *fourth __asm__("r10") = data;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_ptrace), "D"(request), "S"(pid), "d"(address), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static long set_part(pid_t pid, void *address, const struct iovec *part)
{
    static _Alignas(64) char whole[1 << 16];
    struct iovec all = { whole, sizeof whole };
    long result = raw_ptrace(PTRACE_GETREGSET, pid, address, &all);
    if (result < 0)
        return result;
    if (part->iov_len >= all.iov_len)
        return raw_ptrace(PTRACE_SETREGSET, pid, address, (void *)part);
    memcpy(whole, part->iov_base, part->iov_len);
    return raw_ptrace(PTRACE_SETREGSET, pid, address, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *), *data = va_arg(rest, void *);
    va_end(rest);
    long word, result;
    // The system call stores what these three read; the C library's function returns it.
    int peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
    if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE)
        result = set_part(pid, address, data);
    else
        result = raw_ptrace(request, pid, address, peeks ? &word : data);
    errno = result < 0 ? (int)-result : 0;
    return result < 0 ? -1 : peeks ? word : result;
}
