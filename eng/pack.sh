#!/usr/bin/env bash
# Makes the parts of a release in artifacts/release: packages, the command compiled ahead of time for this system, the container image.
#   eng/pack.sh [--version VERSION] [--output DIR] [packages] [binary] [image]     without a name: all three
# The version is that of the tag (v1.2.3) of this commit, or a preview after the last tag; --version sets another. The binary is for the
# system and processor that run the script; it needs a C compiler and zlib's headers. The image needs docker or podman. Without either the
# script leaves it out, and fails only if the caller named it.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=artifacts/release
version=""
parts=()
while [ $# -gt 0 ]; do
    case $1 in
        --version | --output)
            [ -n "${2:-}" ] || { echo "pack.sh: $1 wants a value." >&2; exit 2; }
            printf -v "${1#--}" %s "$2"
            shift
            ;;
        packages | binary | image) parts+=("$1") ;;
        *)
            echo "pack.sh: '$1' is neither a part (packages, binary, image) nor an option (--version, --output)." >&2
            exit 2
            ;;
    esac
    shift
done
all=0
[ ${#parts[@]} -gt 0 ] || { all=1; parts=(packages binary image); }

say() { printf 'pack.sh: %s\n' "$*"; }
property() { dotnet msbuild src/PageFold/PageFold.csproj --nologo "$@"; }
# In a folder of its own: another version or setting would make the next ordinary build start anew.
build=(-c Release --artifacts-path "$PWD/artifacts/pack" --nologo -v quiet)

dotnet restore src/PageFold/PageFold.csproj --artifacts-path "$PWD/artifacts/pack" --nologo -v quiet
[ -n "$version" ] || version=$(property -p:ArtifactsPath="$PWD/artifacts/pack" -t:MinVer -getProperty:PackageVersion)
export MinVerVersionOverride=$version
# Paths in the symbols are relative to the repository. The compiler needs its history for that.
[ ! -e .git ] || export ContinuousIntegrationBuild=true
mkdir -p "$output"
output=$(cd "$output" && pwd)
rm -f "$output"/PageFold*.nupkg "$output"/pagefold-*.tar.gz "$output"/SHA256SUMS

packages() {
    local project
    for project in src/*/*.csproj; do
        [ "$(dotnet msbuild "$project" --nologo -getProperty:IsPackable)" = true ] || continue
        # The tool runs on any patch of its runtime, not only on that of the machine that packs it.
        dotnet pack "$project" "${build[@]}" -p:TargetLatestRuntimePatch=false -o "$output"
    done
    # With --source, NuGet would look for the libraries of others in this folder alone.
    say "packages of version $version; to use them:"
    say "  dotnet nuget add source $output --name pagefold"
    say "  dotnet add package PageFold --prerelease"
    say "  dotnet add package PageFold.Caching --prerelease"
    say "  dotnet tool install --tool-path BIN PageFold.Cli --prerelease --add-source $output"
}

binary() {
    local rid folder name=pagefold
    rid=$(property -getProperty:NETCoreSdkPortableRuntimeIdentifier)
    folder=$(mktemp -d)
    dotnet publish src/PageFold.Cli/PageFold.Cli.csproj "${build[@]}" -r "$rid" -o "$folder/out"
    mkdir "$folder/pagefold-$version"
    [ ! -e "$folder/out/PageFold.Cli.exe" ] || name=pagefold.exe
    cp "$folder/out/PageFold.Cli${name#pagefold}" "$folder/pagefold-$version/$name"
    cp LICENSE README.md CHANGELOG.md eng/THIRD-PARTY-NOTICES.txt "$folder/pagefold-$version/"
    case $rid in linux-*) cp -r deploy "$folder/pagefold-$version/" ;; esac
    [ "$("$folder/pagefold-$version/$name" --version | cut -d+ -f1)" = "$version" ] || {
        say "the binary says another version than $version" >&2
        exit 1
    }
    tar -C "$folder" -czf "$output/pagefold-$version-$rid.tar.gz" "pagefold-$version"
    rm -rf "$folder"
    say "pagefold-$version-$rid.tar.gz"
}

image() {
    local engine
    for engine in podman docker; do
        if command -v $engine >/dev/null && $engine info >/dev/null 2>&1; then
            $engine build -t "pagefold:$version" --build-arg "VERSION=$version" -f deploy/Containerfile .
            say "image pagefold:$version, in the storage of $engine"
            return
        fi
    done
    say "no image: neither podman nor a running docker is here"
    [ $all = 1 ] || exit 1
}

for part in "${parts[@]}"; do $part; done
cd "$output"
sum=(sha256sum)
command -v sha256sum >/dev/null || sum=(shasum -a 256)
files=(PageFold*.nupkg pagefold-*.tar.gz)
[ ${#files[@]} = 0 ] || "${sum[@]}" "${files[@]}" >SHA256SUMS
ls -l
