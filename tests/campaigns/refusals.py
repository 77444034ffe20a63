"""Clients of a disk that is full.

refusals.py fill SOCKET SEED
    writes random blocks from the beginning on until some are refused; prints how many were accepted
refusals.py repeat SOCKET SEED BLOCKS
    repeats refused writes behind the first BLOCKS blocks, 64 at once, until it is sent a line; prints how many were refused, and seconds
refusals.py use SOCKET SEED BLOCKS SECONDS
    reads and overwrites the first BLOCKS blocks, one request after another; prints how many requests were answered in a second
Runs under /usr/bin/python3, for which Debian's libnbd is made.
"""
import random
import select
import sys
import time

import nbd

BLOCK = 4096
REFUSED_MOST = 64
command, path, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(seed)
handle = nbd.NBD()
handle.connect_unix(path)


def is_refused(block):
    try:
        handle.pwrite(chance.randbytes(BLOCK), block * BLOCK)
        return False
    except nbd.Error as error:
        if error.errno != "ENOSPC":
            raise
        return True


if command == "fill":
    block = 0
    while not is_refused(block):
        block += 1
    # What is left may do for a few more.
    for more in range(block, block + REFUSED_MOST):
        is_refused(more)
    print(block)
elif command == "repeat":
    first, blocks = int(sys.argv[4]) + 2 * REFUSED_MOST, handle.get_size() // BLOCK
    data = nbd.Buffer.from_bytearray(bytearray(chance.randbytes(BLOCK)))
    refused = [0]

    def replied(error):
        if error.value != 28:
            sys.exit(f"a write that should be refused is answered with error {error.value}")
        refused[0] += 1
        return 1

    begun = time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        while handle.aio_in_flight() < 64:
            handle.aio_pwrite(data, chance.randrange(first, blocks) * BLOCK, completion=replied)
        handle.poll(100)
    while handle.aio_in_flight() > 0:
        handle.poll(100)
    print(refused[0], time.monotonic() - begun, flush=True)
else:
    blocks, seconds = int(sys.argv[4]), float(sys.argv[5])
    pages = [chance.randbytes(BLOCK) for _ in range(64)]
    done = 0
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        for _ in range(16):
            handle.pread(BLOCK, chance.randrange(blocks) * BLOCK)
            handle.pwrite(chance.choice(pages), chance.randrange(blocks) * BLOCK)
            done += 2
    print(int(done / (time.monotonic() - begun)))
handle.shutdown()
