#!/usr/bin/env python3
"""Cuts values of 300 to 1,000 bytes out of JSON files and HTML pages, for `./pagefold bench cache --density --values`.

    values.py JSON_FOLDER HTML_FOLDER OUT_FOLDER

It writes three files. Each value is there once, in an order that the values alone determine, and no two are cut out of the same place.

json.jsonl    documents within the JSON files, a line each, serialized without white space
objects.bin   documents within the same files, serialized as MessagePack: maps with the names as keys
html.bin      elements within the pages, as they are written there

A value in a .bin file has its length before it, in 4 bytes, the least significant byte first.
"""
import html.parser
import json
import pathlib
import random
import struct
import sys

LEAST = 300
MOST = 1000


def fits(value):
    return LEAST <= len(value) <= MOST


def cut_documents(document, encode, values):
    """Adds the outermost documents that fit."""
    encoded = encode(document)
    if len(encoded) < LEAST:
        return
    if len(encoded) <= MOST:
        values.add(encoded)
    elif isinstance(document, dict):
        for inner in document.values():
            cut_documents(inner, encode, values)
    elif isinstance(document, list):
        for inner in document:
            cut_documents(inner, encode, values)


def encode_json(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode_messagepack(item):
    """The shortest form of each item; the format is described at msgpack.org."""
    parts = []
    append_messagepack(item, parts)
    return b"".join(parts)


def append_messagepack(item, parts):
    if item is None:
        parts.append(b"\xc0")
    elif isinstance(item, bool):
        parts.append(b"\xc3" if item else b"\xc2")
    elif isinstance(item, int):
        parts.append(encode_integer(item))
    elif isinstance(item, float):
        parts.append(struct.pack(">Bd", 0xCB, item))
    elif isinstance(item, str):
        text = item.encode()
        parts += (encode_length(len(text), (0xA0, 32), ((0xD9, "B"), (0xDA, "H"), (0xDB, "I"))), text)
    elif isinstance(item, list):
        parts.append(encode_length(len(item), (0x90, 16), ((0xDC, "H"), (0xDD, "I"))))
        for inner in item:
            append_messagepack(inner, parts)
    else:
        parts.append(encode_length(len(item), (0x80, 16), ((0xDE, "H"), (0xDF, "I"))))
        for name, inner in item.items():
            append_messagepack(name, parts)
            append_messagepack(inner, parts)


def encode_length(length, short, forms):
    first, limit = short
    if length < limit:
        return bytes((first | length,))
    code, form = next((code, form) for code, form in forms if length < 1 << 8 * struct.calcsize(form))
    return struct.pack(">B" + form, code, length)


def encode_integer(number):
    if -32 <= number < 128:
        return struct.pack("b", number) if number < 0 else bytes((number,))
    forms = ((0xCC, "B"), (0xCD, "H"), (0xCE, "I"), (0xCF, "Q")) if number >= 0 else ((0xD0, "b"), (0xD1, "h"), (0xD2, "i"), (0xD3, "q"))
    for code, form in forms:
        try:
            return struct.pack(">B" + form, code, number)
        except struct.error:
            pass
    return struct.pack(">Bd", 0xCB, float(number))


class Elements(html.parser.HTMLParser):
    """Finds where the elements of a page begin and end."""

    def __init__(self, page):
        super().__init__(convert_charrefs=False)
        self.found = []
        self._page = page
        self._open = []
        self._lines = [0]
        while (end := page.find("\n", self._lines[-1])) >= 0:
            self._lines.append(end + 1)
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._open.append((tag, self._offset()))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        # Elements inside that have no end tag of their own, as <br>, are passed over.
        for i in range(len(self._open) - 1, -1, -1):
            if self._open[i][0] == tag:
                self.found.append((self._open[i][1], self._page.index(">", self._offset()) + 1))
                del self._open[i:]
                return

    def _offset(self):
        line, column = self.getpos()
        return self._lines[line - 1] + column


def cut_elements(page, values):
    """Adds the outermost elements that fit."""
    end_of_last = 0
    for begin, end in sorted(Elements(page).found, key=lambda place: (place[0], -place[1])):
        if begin >= end_of_last and end - begin <= MOST and fits(value := page[begin:end].encode()):
            values.add(value)
            end_of_last = end


def read(folder, suffix):
    for path in sorted(pathlib.Path(folder).rglob("*" + suffix)):
        if path.is_file() and not path.is_symlink():
            try:
                yield path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                print(f"values.py: {path} is not UTF-8; it is left out.", file=sys.stderr)


def write(path, values, form):
    if not values:
        sys.exit(f"values.py: nothing of {LEAST} to {MOST} bytes was found for {path.name}; the packages are not as expected.")
    ordered = sorted(values)
    random.Random(1).shuffle(ordered)
    with path.open("wb") as file:
        for value in ordered:
            file.write(form(value))
    print(f"{path}: {len(ordered):,} values of {sum(map(len, ordered)) / len(ordered):.0f} bytes on average")


def with_length(value):
    return struct.pack("<I", len(value)) + value


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: values.py JSON_FOLDER HTML_FOLDER OUT_FOLDER")
    out = pathlib.Path(sys.argv[3])
    lines, objects, elements = set(), set(), set()
    for text in read(sys.argv[1], ".json"):
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            sys.exit(f"values.py: a file below {sys.argv[1]} is no JSON ({error}); the packages are not as expected.")
        cut_documents(document, encode_json, lines)
        cut_documents(document, encode_messagepack, objects)
    for page in read(sys.argv[2], ".html"):
        cut_elements(page, elements)
    write(out / "json.jsonl", lines, lambda value: value + b"\n")
    write(out / "html.bin", elements, with_length)
    write(out / "objects.bin", objects, with_length)


main()
