#!/usr/bin/env python3
"""Draws what a command wrote to a terminal as SVG, for the documents.

    script -qec "COMMAND" capture.raw              # runs the command at a terminal and keeps its output
    eng/terminal-svg.py clean < capture.raw > docs/pictures/NAME.ansi     # without the progress lines
    eng/terminal-svg.py draw [--prompt COMMAND] [--skip FROM TO] < docs/pictures/NAME.ansi > docs/pictures/NAME.svg

The picture has a dark background of its own, so it is readable on a light and on a dark page. Text stays text: it can be selected and
searched. --skip leaves out the lines from the first that begins with FROM to the next that begins with TO.
"""
import argparse
import re
import sys
import unicodedata
from xml.sax.saxutils import escape

CELL, LINE, MARGIN, FONT = 7.83, 17, 14, 13
BACKGROUND, TEXT = "#1d2430", "#d7dde6"
# The colours that the commands use, by their numbers in the palette of 256; the greys are raised so that they can be read.
PALETTE = {1: "#e06c6c", 2: "#7fc97a", 3: "#d9b44a", 4: "#6ca8e8", 7: "#d7dde6", 8: "#98a3b3", 9: "#ef8080", 10: "#8fdc88",
           11: "#e8c860", 12: "#7fb8f5", 15: "#ffffff"}
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def clean(raw):
    """The report alone: what follows the last progress display, without cursor movements and what script(1) adds."""
    text = raw.split("\x1b[?25h")[-1].replace("\r", "")
    text = re.sub(r"\nScript done on .*", "", text)
    text = re.sub(r"\x1b\[[0-9;?]*[A-LN-Za-ln-z]", "", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n")) + "\n"


def runs(line):
    """Pieces of a line that share a style: text, colour, bold."""
    colour, bold, at = None, False, 0
    for match in SGR.finditer(line):
        if match.start() > at:
            yield line[at:match.start()], colour, bold
        at = match.end()
        codes = [int(code or 0) for code in match.group(1).split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                colour, bold = None, False
            elif code == 1:
                bold = True
            elif code == 38 and codes[:1] == [5]:
                colour, codes = PALETTE.get(codes[1], TEXT), codes[2:]
            elif 30 <= code <= 37:
                colour = PALETTE.get(code - 30, TEXT)
            elif 90 <= code <= 97:
                colour = PALETTE.get(code - 82, TEXT)
    if at < len(line):
        yield line[at:], colour, bold


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def draw(lines, title):
    width = round(max(columns(SGR.sub("", line)) for line in lines) * CELL + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
           f'aria-label="{escape(title, {chr(34): "&quot;"})}">')
    yield f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>'
    yield (f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{FONT}" fill="{TEXT}" '
           'style="white-space:pre" xml:space="preserve">')
    for number, line in enumerate(lines):
        column = 0
        y = MARGIN + number * LINE + FONT
        for text, colour, bold in runs(line):
            if text.strip():
                indent = len(text) - len(text.lstrip())
                shown = text.strip()
                # The length is stated, so that columns stay in line whatever font the reader has.
                style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if bold else "")
                yield (f'<text x="{MARGIN + (column + indent) * CELL:.1f}" y="{y}" textLength="{columns(shown) * CELL:.1f}" '
                       f'lengthAdjust="spacingAndGlyphs"{style}>{escape(shown)}</text>')
            column += columns(text)
    yield "</g>"
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["clean", "draw"])
    parser.add_argument("--prompt", help="the command, shown as the first line")
    parser.add_argument("--skip", nargs=2, metavar=("FROM", "TO"), help="lines to leave out, by what the first and the last begin with")
    arguments = parser.parse_args()
    text = sys.stdin.read()
    if arguments.what == "clean":
        sys.stdout.write(clean(text))
        return
    lines = text.rstrip("\n").split("\n")
    if arguments.skip:
        shown = [SGR.sub("", line) for line in lines]
        first = next(number for number, line in enumerate(shown) if line.startswith(arguments.skip[0]))
        last = next(number for number in range(first, len(shown)) if shown[number].startswith(arguments.skip[1]))
        lines[first:last + 1] = ["\x1b[38;5;8m   ...\x1b[0m"]
    if arguments.prompt:
        lines = [f"\x1b[38;5;8m$\x1b[0m \x1b[1m{arguments.prompt}\x1b[0m", ""] + lines
    print("\n".join(draw(lines, arguments.prompt or "terminal output")))


main()
