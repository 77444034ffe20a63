#!/usr/bin/env bash
# Mixed store, load, discard and compact on all cores under a tight limit for ten minutes (short: one).
# Every load is verified, and no memory grows. Before, the random tests of pool, store and NBD run ten times as long (short: three times).
# The seed is only printed: threads decide the order.
campaign=soak
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
begin
begun=$SECONDS
export PAGEFOLD_TEST_TIMES=$([ $short = 1 ] && echo 3 || echo 10)
# repeat ASSEMBLY CLASS...: runs the tests of some classes, and shows what they say if they fail.
repeat() {
    local assembly=$1 class selected=()
    shift
    for class; do selected+=(-class "*.$class"); done
    dotnet build "tests/$assembly" -c Release --nologo -v quiet -clp:ErrorsOnly || fail "$assembly does not build"
    dotnet exec "tests/$assembly/bin/Release/net10.0/$assembly.dll" "${selected[@]}" -noColor >"$work/out" 2>&1 </dev/null &
    started+=($!)
    wait $! && return
    tail -n 60 "$work/out"
    fail "a random test of $assembly after $((SECONDS - begun)) s"
}
repeat PageFold.Tests ZsPoolModelTests ZsPoolConcurrencyTestsThroughWindows PrefaultModelTests FullRestoreTests SnapshotConcurrencyTests \
    PageStoreTests PageStoreConcurrencyTests PageInfoTests StatisticsTests RecompressionTests PageStoreCodecTests ReclaimTests \
    WritebackConcurrencyTests
repeat PageFold.Nbd.Tests ReplyQueueTests GarbageTests
benchmarks/soak.sh "$([ $short = 1 ] && echo 60 || echo 600)" || fail "see above"
pass "$((SECONDS - begun)) s"
