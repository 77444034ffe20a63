#!/usr/bin/env bash
# Damaged streams for the decoders made here: more than 10^8 (short: some millions), between guard pages, each read by two contexts.
# Neither may touch anything else, and both must say the same: a page depends on its bytes alone.
# codec-fuzz.sh [--short] [--seed N] [--batches N] [--threads N]
campaign=codec-fuzz
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
batches=0
threads=$(nproc)
options batches threads -- "$@"
[ "$batches" != 0 ] || batches=$([ $short = 1 ] && echo 448 || echo 6160)
begin
begun=$SECONDS
dotnet build tests/PageFold.Tests -c Release --nologo -v quiet -clp:ErrorsOnly || fail "the tests do not build"
# The report outlives a process that an access beyond a guard page ends: its last lines name the batches that ran.
report=artifacts/campaigns/codec-fuzz-report.txt
mkdir -p "$(dirname "$report")"
: >"$report"
export PAGEFOLD_CODEC_FUZZ_REPORT="$root/$report" PAGEFOLD_CODEC_FUZZ_SEED=$seed PAGEFOLD_CODEC_FUZZ_BATCHES=$batches \
    PAGEFOLD_CODEC_FUZZ_THREADS=$threads
dotnet exec tests/PageFold.Tests/bin/Release/net10.0/PageFold.Tests.dll \
    -method "PageFold.Tests.Compression.Fold.CodecFuzzTests.Batches_follow_one_another_and_are_reported" \
    -noColor >"$work/out" 2>&1 </dev/null &
started+=($!)
wait $!
status=$?
if [ $status != 0 ] || ! grep -q '^FUZZED' "$report"; then
    tail -n 60 "$work/out"
    tail -n "$threads" "$report" | cut -c1-200
    fail "exit code $status after $((SECONDS - begun)) s; --seed N --batches 1 runs the batch N again, one of those above"
fi
pass "$(sed -n 's/^FUZZED //p' "$report") in $((SECONDS - begun)) s"
