#!/usr/bin/env python3
"""A process with some 200 MiB of ordinary Python memory, to be measured: parsed sources, records, an index and a database.

    python3 benchmarks/process.py & sleep 20; ./pagefold measure --pid $!; kill $!

It prints its number when its memory is ready, and stays until it is ended. The content depends on the Python installation alone.
"""
import ast
import os
import pathlib
import random
import signal
import sqlite3
import sysconfig

SOURCES = 180
RECORDS = 110_000
ROWS = 250_000


def main():
    chance = random.Random(1)
    folder = pathlib.Path(sysconfig.get_paths()["stdlib"])
    paths = [path for path in sorted(folder.rglob("*.py")) if path.parts[-2] not in ("test", "idlelib", "lib2to3")][:SOURCES]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    trees = [ast.parse(text) for text in texts if "\0" not in text]
    words = sorted({word for text in texts for word in text.split() if word.isidentifier()})
    index = {}
    for number, text in enumerate(texts):
        for position, word in enumerate(text.split()):
            index.setdefault(word, []).append((number, position))
    records = [
        {
            "id": number,
            "name": f"{chance.choice(words)} {chance.choice(words)}",
            "price": chance.random() * 1000,
            "tags": [chance.choice(words) for _ in range(3)],
        }
        for number in range(RECORDS)
    ]
    database = sqlite3.connect(":memory:")
    database.execute("create table item (id integer primary key, name text, amount real, note text)")
    database.executemany(
        "insert into item values (?, ?, ?, ?)",
        ((row, chance.choice(words), chance.random() * 1e4, " ".join(chance.choices(words, k=8))) for row in range(ROWS)),
    )
    database.execute("create index by_name on item (name)")
    print(os.getpid(), flush=True)
    signal.pause()
    # Keeps the objects alive until here.
    return trees, index, records, database


main()
