#!/usr/bin/env bash
# Writes PublicAPI.Unshipped.txt of the named projects (default: all that have one): all public members that PublicAPI.Shipped.txt lacks.
# The author reviews the difference: git diff src/*/PublicAPI.Unshipped.txt
#   eng/public-api.sh [PROJECT...]        as in: eng/public-api.sh PageFold.Nbd
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
projects=("$@")
[ ${#projects[@]} -gt 0 ] || for file in src/*/PublicAPI.Unshipped.txt; do projects+=("$(basename "$(dirname "$file")")"); done
for project in "${projects[@]}"; do
    file=src/$project/PublicAPI.Unshipped.txt
    [ -e "$file" ] || {
        echo "public-api.sh: there is no $file; make it and PublicAPI.Shipped.txt, each with the line '#nullable enable'." >&2
        exit 2
    }
    before=$(mktemp)
    cp "$file" "$before"
    echo '#nullable enable' >"$file"
    options=(-c Release --artifacts-path artifacts/public-api --nologo -v quiet -p:TreatWarningsAsErrors=false)
    log=$(dotnet build "src/$project" "${options[@]}" 2>&1) || {
        cp "$before" "$file"
        printf '%s\n' "$log" >&2
        exit 1
    }
    # A message is: ... RS0016: Symbol 'MEMBER' is not part of the declared public API (...). A member may contain quotation marks.
    sed -nE "s/.* RS0016: Symbol '(.*)' is not part of the declared public API.*/\1/p" <<<"$log" | LC_ALL=C sort -u >>"$file"
    rm "$before"
    echo "$file: $(($(wc -l <"$file") - 1)) members"
done
