#!/usr/bin/env bash
# Every page of a store is a linearizable register, for an hour (short: 60 s), while everything else goes on in the store.
# Rounds with ever new seeds, beginning with --seed. Each thread's history is checked page by page; a page that fails is printed.
campaign=linearizability
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=0
options seconds -- "$@"
[ "$seconds" != 0 ] || seconds=$([ $short = 1 ] && echo 60 || echo 3500)
begin
begun=$SECONDS
dotnet build tests/PageFold.Tests -c Release --nologo -v quiet -clp:ErrorsOnly || fail "the tests do not build"
# The report outlives the folder of the campaign, and the process that writes it.
report=artifacts/campaigns/linearizability-report.txt
mkdir -p "$(dirname "$report")"
: >"$report"
export PAGEFOLD_LINEARIZABILITY_REPORT="$root/$report" PAGEFOLD_LINEARIZABILITY_SECONDS=$seconds PAGEFOLD_LINEARIZABILITY_SEED=$seed
dotnet exec tests/PageFold.Tests/bin/Release/net10.0/PageFold.Tests.dll \
    -method "PageFold.Tests.Linearizability.PageStoreLinearizabilityTests.Rounds_follow_one_another_and_are_reported" \
    -noColor >"$work/out" 2>&1 </dev/null &
started+=($!)
wait $!
status=$?
if [ $status != 0 ] || ! grep -q '^CHECKED' "$report"; then
    tail -n 100 "$work/out"
    sed -n '/^FAILED/,$p' "$report"
    fail "exit code $status after $((SECONDS - begun)) s; the report is $report, its last line: $(tail -n 1 "$report")"
fi
pass "$(sed -n 's/^CHECKED //p' "$report") in $((SECONDS - begun)) s"
