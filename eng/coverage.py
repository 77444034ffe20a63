"""coverage.py [--lines] REPORT...: tables of what the tests of several reports (Cobertura) together do not cover."""
import collections
import pathlib
import sys
import xml.etree.ElementTree

arguments = sys.argv[1:]
with_lines = "--lines" in arguments
hits = collections.defaultdict(lambda: collections.defaultdict(int))  # File, then line: the largest number of hits of all reports.
owner = {}  # File and line: the type.
for report in arguments[with_lines:]:
    document = xml.etree.ElementTree.parse(report).getroot()
    for package in document.iter("package"):
        for type_ in package.iter("class"):
            # Code that the compiler made of lambdas, iterators and async methods belongs to the type around it.
            name = type_.get("name").split("/")[0]
            for line in type_.iter("line"):
                key = type_.get("filename"), int(line.get("number"))
                hits[key[0]][key[1]] = max(hits[key[0]][key[1]], int(line.get("hits")))
                owner[key] = name

covered, missed = collections.Counter(), collections.defaultdict(lambda: collections.defaultdict(list))
for file, lines in hits.items():
    if file.endswith(".g.cs") or "/obj/" in file:
        continue
    for line, count in lines.items():
        name = owner[file, line]
        covered[name] += count > 0
        if count == 0:
            missed[name][file].append(line)


def uncovered(name):
    return sum(map(len, missed[name].values()))


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def ranges(lines):
    spans = []
    for line in sorted(lines):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


namespaces = collections.defaultdict(set)
for name in set(covered) | set(missed):
    namespaces[name.rpartition(".")[0]].add(name)
print(f"{'namespace':<40} {'lines':>7} {'missed':>7} {'covered':>9}")
totals = [0, 0]
for namespace, types in sorted(namespaces.items()):
    lacks, has = sum(map(uncovered, types)), sum(covered[name] for name in types)
    totals = [totals[0] + lacks, totals[1] + has]
    print(f"{namespace:<40} {lacks + has:>7} {lacks:>7} {percent(has, lacks + has):>9}")
print(f"{'all':<40} {sum(totals):>7} {totals[0]:>7} {percent(totals[1], sum(totals)):>9}\n")
print(f"{'type':<56} {'missed':>7} {'covered':>9}")
for name in sorted(missed, key=uncovered, reverse=True)[: None if with_lines else 40]:
    print(f"{name:<56} {uncovered(name):>7} {percent(covered[name], covered[name] + uncovered(name)):>9}")
    if with_lines:
        for file, lines in sorted(missed[name].items()):
            print(f"    {pathlib.Path(file).name}: {ranges(lines)}")
