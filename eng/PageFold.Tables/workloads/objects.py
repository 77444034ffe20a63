"""Fills the memory of a Python program: syntax trees of the standard library, and documents as JSON has them."""
import ast
import json
import os
import sys
import sysconfig

MOST_BYTES = 12 << 20

folder = sysconfig.get_paths()["stdlib"]
trees = {}
documents = []
taken = 0
for path, folders, files in os.walk(folder):
    folders.sort()
    for name in sorted(files):
        if not name.endswith(".py") or taken > MOST_BYTES:
            continue
        file = os.path.join(path, name)
        try:
            with open(file, encoding="utf-8") as source:
                text = source.read()
            trees[file] = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError, OSError, RecursionError):
            continue
        taken += len(text)
        lines = text.splitlines()
        documents.append({"file": file, "size": len(text), "lines": lines[:200], "tags": ["source", "python"], "seen": True})
text = json.dumps(documents)
records = [json.loads(json.dumps({"id": i, "name": f"item {i}", "price": i * 0.25, "parts": list(range(i % 7))})) for i in range(60000)]
print("ready", flush=True)
sys.stdin.read()
