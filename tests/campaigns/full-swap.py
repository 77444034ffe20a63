"""Fills a disk with blocks that compress, writes random ones over all of them in random order, and reads and compares all.

full-swap.py SOCKET SEED
Runs under /usr/bin/python3, for which Debian's libnbd is made.
"""
import random
import sys
import time

import nbd

BLOCK = 4096
DEPTH = 16
path, seed = sys.argv[1], int(sys.argv[2])
chance = random.Random(seed)
handle = nbd.NBD()
handle.connect_unix(path)
count = handle.get_size() // BLOCK


def written(block, compressible):
    share = BLOCK // 3 if compressible else BLOCK
    return random.Random(f"{seed} {block} {compressible}").randbytes(share) + bytes(BLOCK - share)


def write(blocks, compressible):
    for block in blocks:
        while handle.aio_in_flight() >= DEPTH:
            handle.poll(-1)
        data = nbd.Buffer.from_bytearray(bytearray(written(block, compressible)))

        def replied(error, block=block):
            if error.value != 0:
                sys.exit(f"the write of block {block} is answered with error {error.value}")
            return 1

        handle.aio_pwrite(data, block * BLOCK, completion=replied)
    while handle.aio_in_flight() > 0:
        handle.poll(-1)


for compressible in True, False:
    begun = time.monotonic()
    order = list(range(count))
    if not compressible:
        chance.shuffle(order)
    write(order, compressible)
    print("filled" if compressible else "overwritten", count, f"{time.monotonic() - begun:.1f}", flush=True)
begun = time.monotonic()
wrong = sum(handle.pread(BLOCK, block * BLOCK) != written(block, False) for block in range(count))
print("wrong", wrong, f"{time.monotonic() - begun:.1f}", flush=True)
handle.shutdown()
sys.exit(wrong != 0)
