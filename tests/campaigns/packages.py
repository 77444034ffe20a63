"""packages.py FEED VERSION ROOT: checks what is in each package of a folder, and that no path of this machine is in the symbols."""
import pathlib
import json
import re
import struct
import sys
import xml.etree.ElementTree
import zipfile
import zlib

feed, version, root = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
wrong = []


def documents(library):
    """The paths of the source files in the embedded symbols of an assembly (the format "Portable PDB"); None where there are no symbols."""
    at = library.find(b"MPDB")
    if at < 0:
        return None
    pdb = zlib.decompressobj(-15).decompress(library[at + 8 :])
    (version,) = struct.unpack_from("<I", pdb, 12)
    at = 16 + version + 2
    (count,) = struct.unpack_from("<H", pdb, at)
    at += 2
    streams = {}
    for _ in range(count):
        end = pdb.index(b"\0", at + 8)
        streams[pdb[at + 8 : end].decode()] = struct.unpack_from("<II", pdb, at)
        at = end + 4 - (end - at) % 4
    blobs = pdb[streams["#Blob"][0] :]

    def number(at):
        first = blobs[at]
        length = 1 if first < 0x80 else 2 if first < 0xC0 else 4
        return int.from_bytes(blobs[at : at + length], "big") & (0x7F, 0x3FFF, 0, 0x1FFFFFFF)[length - 1], at + length

    def blob(index):
        length, start = number(index)
        return start, start + length

    # Documents are the first table of symbols; before its rows stand the numbers of rows of all tables that there are.
    tables = streams["#~"][0]
    heaps, valid = pdb[tables + 6], struct.unpack_from("<Q", pdb, tables + 8)[0]
    if not valid >> 0x30 & 1:
        return []
    (rows,) = struct.unpack_from("<I", pdb, tables + 24)
    at = tables + 24 + 4 * valid.bit_count()
    blob_bytes, guid_bytes = 4 if heaps & 4 else 2, 4 if heaps & 2 else 2
    found = []
    for row in range(rows):
        start, end = blob(int.from_bytes(pdb[at : at + blob_bytes], "little"))
        at += 2 * (blob_bytes + guid_bytes)
        separator, parts, start = blobs[start : start + 1], [], start + 1
        while start < end:
            index, start = number(start)
            parts.append(blobs[slice(*blob(index))])
        found.append(separator.join(parts).decode())
    return found


def check(package):
    def expect(holds, what):
        if not holds:
            wrong.append(f"{package.name}: {what}")

    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
        identity = package.name[: -len(f".{version}.nupkg")]
        metadata = xml.etree.ElementTree.fromstring(archive.read(f"{identity}.nuspec"))[0]
        fields = {element.tag.split("}")[1]: element for element in metadata}
        text = {name: element.text for name, element in fields.items()}
        expect(text["version"] == version, f"its version is {text['version']}")
        expect(text["license"] == "MIT", "its licence is not MIT")
        for name in ("description", "tags", "authors", "projectUrl", "releaseNotes", "copyright"):
            expect(text.get(name), f"no {name}")
        expect(fields["repository"].get("commit") or not (root / ".git").exists(), "no commit")
        for name in (text["readme"], text["icon"], "LICENSE"):
            expect(name in names, f"no {name}")
        expect(archive.read(text["icon"])[:4] == b"\x89PNG", "the icon is no PNG")
        dependencies = {element.get("id"): element.get("version") for element in metadata.iter() if element.tag.endswith("}dependency")}
        for name, needed in dependencies.items():
            expect(not re.match("MinVer|Microsoft.CodeAnalysis", name), f"depends on {name}, which only the build needs")
            expect(not name.startswith("PageFold") or needed == version, f"depends on {name} {needed}")
        libraries = [name for name in names if re.search(r"/PageFold[.\w]*\.dll$", name)]
        expect(libraries, "no library")
        tool = "DotnetTool" in [element.get("name") for element in metadata.iter() if element.tag.endswith("}packageType")]
        if tool:
            expect("THIRD-PARTY-NOTICES.txt" in names, "no licences of the libraries in it")
            settings = json.loads(archive.read(next(name for name in names if name.endswith(f"{identity}.runtimeconfig.json"))))
            options = settings["runtimeOptions"]
            for framework in options.get("frameworks") or [options["framework"]]:
                expect(framework["version"].endswith(".0"), f"it needs {framework['name']} {framework['version']}, not any patch of it")
        else:
            expect(libraries == [f"lib/net10.0/{identity}.dll"], f"its libraries are {libraries}")
            expect(f"lib/net10.0/{identity}.xml" in names, "no documentation")
        for library in libraries:
            sources = documents(archive.read(library))
            expect(sources, f"{library} has no symbols")
            # Where there is no history the compiler keeps the paths of this machine.
            foreign = [source for source in sources or [] if not source.startswith("/_/")] if (root / ".git").exists() else []
            expect(not foreign, f"the symbols of {library} have paths of this machine, such as {foreign[:1]}")


packages = sorted(feed.glob("*.nupkg"))
for package in packages:
    check(package)
if not {"PageFold", "PageFold.Nbd", "PageFold.Cli"} <= {package.name.split(f".{version}")[0] for package in packages}:
    wrong.append(f"the packages are {[package.name for package in packages]}")
print("\n".join(wrong) or f"{len(packages)} packages are as they should be")
sys.exit(bool(wrong))
