"""A disk that is written by day. Reads what to do from standard input, a line each, and answers each with a line; the disk's content is
known throughout.

nights.py SOCKET IMAGE SEED, with the commands
  day SHARE   writes that share of the blocks, each with a random block of the image and a stamp of its own
  verify      reads every block and compares it
Runs under /usr/bin/python3, for which Debian's libnbd is made.
"""
import random
import struct
import sys

import nbd

BLOCK = 4096
path, image_path, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(seed)
with open(image_path, "rb") as file:
    image = file.read()
sources = len(image) // BLOCK
handle = nbd.NBD()
handle.connect_unix(path)
count = handle.get_size() // BLOCK
# What each block holds: which block of the image, and the stamp in its first 8 bytes.
content = [None] * count
stamps = 0


def made(block):
    if content[block] is None:
        return bytes(BLOCK)
    source, stamp = content[block]
    return struct.pack("<Q", stamp) + image[source * BLOCK + 8:(source + 1) * BLOCK]


for line in sys.stdin:
    command, *arguments = line.split()
    if command == "day":
        for block in chance.sample(range(count), int(count * float(arguments[0]))):
            stamps += 1
            content[block] = chance.randrange(sources), stamps
            handle.pwrite(made(block), block * BLOCK)
        print("written", flush=True)
    else:
        wrong = 0
        for first in range(0, count, 64):
            blocks = range(first, min(first + 64, count))
            wrong += handle.pread(len(blocks) * BLOCK, first * BLOCK) != b"".join(map(made, blocks))
        print(f"wrong {wrong}", flush=True)
handle.shutdown()
