#!/usr/bin/env bash
# Runs tests with coverage and prints what they do not cover: a table by namespace, the types that lack most, and their lines.
#   eng/coverage.sh [--lines] [--filter EXPRESSION] [PROJECT...]
# Without a project it runs PageFold.Tests, PageFold.Nbd.Tests and PageFold.Disks.Tests.
# --lines lists the uncovered lines of every type; --filter runs a part of the tests, by an expression of `dotnet test`.
# A line counts as covered once; how often it runs is not counted, which would take several times as long. The code is slower all the same,
# so a test may fail here for want of time. The tables come nevertheless, after the names of such tests. Statements that only the compiler
# needs, behind a call that does not return, are not counted. docs/notes/coverage.md says why no test reaches what is left.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lines=()
filter=()
projects=()
while [ $# -gt 0 ]; do
    case $1 in
        --lines) lines=(--lines) ;;
        --filter)
            [ -n "${2:-}" ] || { echo "coverage.sh: --filter wants an expression." >&2; exit 2; }
            filter=(--filter "$2")
            shift
            ;;
        -*) echo "coverage.sh: there is no option $1; the options are --lines and --filter EXPRESSION." >&2; exit 2 ;;
        *) projects+=("$1") ;;
    esac
    shift
done
[ ${#projects[@]} -gt 0 ] || projects=(PageFold.Tests PageFold.Nbd.Tests PageFold.Disks.Tests)
# Counters are written into the libraries beside the tests, so these are not those of the ordinary build.
build=$PWD/artifacts/coverage/build
rm -rf artifacts/coverage/results
settings=DataCollectionRunSettings.DataCollectors.DataCollector.Configuration
reports=()
for project in "${projects[@]}"; do
    results=artifacts/coverage/results/$project
    dotnet build "tests/$project" -c Release --artifacts-path "$build" --nologo -v quiet -p:RunAnalyzers=false
    dotnet test "tests/$project" -c Release --artifacts-path "$build" --no-build --nologo --logger "console;verbosity=minimal" \
        "${filter[@]}" --collect "XPlat Code Coverage" --results-directory "$results" -- \
        "$settings.Include=[PageFold*]*" "$settings.Exclude=[*.Tests]*" "$settings.SingleHit=true" \
        "$settings.DoesNotReturnAttribute=DoesNotReturnAttribute" ||
        echo "coverage.sh: some tests of $project failed"
    report=$(find "$results" -name coverage.cobertura.xml -print -quit)
    [ -n "$report" ] || { echo "coverage.sh: $project left no report." >&2; exit 1; }
    reports+=("$report")
done
python3 eng/coverage.py "${lines[@]}" "${reports[@]}"
