#!/usr/bin/env python3
"""Draws the packages' icon, icon.png beside this file: two page frames full of objects of odd sizes, one of which lies in both frames."""
import pathlib
import struct
import zlib

SIZE = 128
SAMPLES = 4  # In each direction, for smooth edges.
BACKGROUND, FRAME, STRADDLING = (24, 42, 66), (52, 76, 108), (255, 176, 59)
OBJECTS = [(102, 194, 255), (126, 214, 180), (164, 170, 255)]


def shapes():
    """Rounded rectangles from the back to the front: left, top, right, bottom, radius, colour."""
    yield 0, 0, SIZE, SIZE, 24, BACKGROUND
    for top, widths in ((22, (30, 22, 18)), (70, (24, 34, 14))):
        yield 16, top, 112, top + 36, 6, FRAME
        left = 20 if top == 22 else 38
        for i, width in enumerate(widths):
            yield left, top + 4, left + width - 2, top + 32, 3, OBJECTS[i % len(OBJECTS)]
            left += width
    yield 90, 26, 108, 54, 3, STRADDLING
    yield 20, 74, 36, 102, 3, STRADDLING


def covers(shape, x, y):
    left, top, right, bottom, radius, _ = shape
    dx = max(left + radius - x, x - (right - radius), 0)
    dy = max(top + radius - y, y - (bottom - radius), 0)
    return left <= x <= right and top <= y <= bottom and dx * dx + dy * dy <= radius * radius


def pixel(column, row, drawn):
    total = [0, 0, 0, 0]
    for i in range(SAMPLES * SAMPLES):
        x, y = column + (i % SAMPLES + 0.5) / SAMPLES, row + (i // SAMPLES + 0.5) / SAMPLES
        front = next((shape for shape in drawn if covers(shape, x, y)), None)
        if front:
            total = [a + b for a, b in zip(total, (*front[5], 255))]
    hits = total[3] // 255
    return bytes([*(c // hits for c in total[:3]), total[3] // SAMPLES**2]) if hits else bytes(4)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


drawn = list(shapes())[::-1]
rows = b"".join(b"\0" + b"".join(pixel(column, row, drawn) for column in range(SIZE)) for row in range(SIZE))
header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
pathlib.Path(__file__).with_name("icon.png").write_bytes(image)
