#!/usr/bin/env bash
# Random operations on small caches under eviction agree with a model, for an hour (short: ten million operations), and the histories of
# keys that threads share are linearizable. Rounds with ever new seeds, beginning with --seed.
campaign=cache
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=0
options seconds -- "$@"
begin
begun=$SECONDS
dotnet build tests/PageFold.Caching.Tests -c Release --nologo -v quiet -clp:ErrorsOnly || fail "the tests do not build"
report=$root/artifacts/campaigns/cache-report.txt
mkdir -p "$(dirname "$report")"
: >"$report"
export PAGEFOLD_CACHE_REPORT=$report PAGEFOLD_CACHE_SEED=$seed PAGEFOLD_CACHE_THREADS=$(nproc)
if [ "$seconds" != 0 ]; then export PAGEFOLD_CACHE_SECONDS=$seconds; thread_rounds=20
elif [ $short = 1 ]; then export PAGEFOLD_CACHE_ROUNDS=1000; thread_rounds=8
else export PAGEFOLD_CACHE_SECONDS=3000; thread_rounds=180
fi
# run METHOD: runs a test of the class; what it says is shown if it fails.
run() {
    dotnet exec tests/PageFold.Caching.Tests/bin/Release/net10.0/PageFold.Caching.Tests.dll \
        -method "PageFold.Caching.Tests.$1" -noColor >"$work/out" 2>&1 </dev/null &
    started+=($!)
    wait $! && return
    tail -n 60 "$work/out"
    fail "$1 after $((SECONDS - begun)) s; the report is $report, its last line: $(tail -n 1 "$report")"
}
run CompressedCacheModelTests.A_hit_has_the_value_of_the_model_and_every_miss_is_explained
# Four seeds, so many rounds of 0.7 seconds each.
PAGEFOLD_CACHE_THREAD_ROUNDS=$thread_rounds run CompressedCacheThreadsTests.The_history_of_each_key_is_linearizable
pass "$(sed -n 's/^CHECKED //p' "$report"), $((4 * thread_rounds)) rounds of threads, in $((SECONDS - begun)) s"
