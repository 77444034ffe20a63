#!/usr/bin/env bash
# Compares page stores of two versions of the library, in turns in one process, so that changes of the machine's speed affect both.
#   benchmarks/compare.sh BASE [PATH...]      BASE is a commit; it is compared with the sources as they are. PATH: /usr/share, /usr/lib
# CODEC (lz4; zstd, none), PAGE_SIZE (4096), SAMPLE_MIB (256) and ROUNDS (12) choose what is measured. Two runs in one process agree within
# two hundredths; which code lies where differs from run to run, so several runs are a better answer than many rounds.
# The exit code is 1 if anything is slower than 0.97 of BASE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=${1:-}
commit=$(git rev-parse --quiet --verify "$base^{commit}") || {
    echo "compare.sh: '$base' is no commit of this repository; name one, as in benchmarks/compare.sh HEAD~1." >&2
    exit 2
}
shift
paths=("$@")
[ ${#paths[@]} -gt 0 ] || paths=(/usr/share /usr/lib)
for path in "${paths[@]}"; do
    [ -d "$path" ] || { echo "compare.sh: there is no folder '$path'." >&2; exit 2; }
done
for number in "${PAGE_SIZE:-4096}" "${SAMPLE_MIB:-256}" "${ROUNDS:-12}"; do
    [[ $number =~ ^[1-9][0-9]{0,5}$ ]] || { echo "compare.sh: PAGE_SIZE, SAMPLE_MIB and ROUNDS want numbers, not '$number'." >&2; exit 2; }
done
[ "${SAMPLE_MIB:-256}" -lt 2048 ] || { echo "compare.sh: SAMPLE_MIB is $SAMPLE_MIB; choose less than 2048." >&2; exit 2; }
out=$PWD/artifacts/compare
rm -rf "$out"
# Outside of the checkout, whose settings would count for the other sources too.
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
git archive "$commit" | tar -x -C "$sources"
echo "Building $(git rev-parse --short "$commit") and the sources as they are ..." >&2
build() { dotnet build "$@" -c Release --nologo -v quiet -p:RunAnalyzers=false >"$sources/log" || { cat "$sources/log" >&2; exit 1; }; }
# Each beside the packages that it needs, and beside a worker that was compiled against it.
build "$sources/src/PageFold" -o "$out/base-library" -p:CopyLocalLockFileAssemblies=true
build src/PageFold -o "$out/new-library" -p:CopyLocalLockFileAssemblies=true
for side in base new; do
    build benchmarks/PageFold.CompareWorker -p:Library="$out/$side-library/PageFold.dll" --artifacts-path "$sources/$side" -o "$out/$side"
    cp "$out/$side-library"/*.dll "$out/$side"
done
build benchmarks/PageFold.Compare -o "$out/host"
dotnet "$out/host/PageFold.Compare.dll" "$out/base" "$out/new" "${PAGE_SIZE:-4096}" "${CODEC:-lz4}" "${SAMPLE_MIB:-256}" \
    "${ROUNDS:-12}" "${paths[@]}"
