#!/usr/bin/env bash
# Snapshots and streams of NBD clients, changed by chance towards new branches, for an hour (short: two minutes).
# Nothing but documented refusals comes of them, and the store and the server go on. Inputs that do harm stay in artifacts/campaigns/fuzz;
# a fault that is mended adds its input to tests/corpus, which the tests replay.
# fuzz.sh [--short] [--seed N] [--seconds N]
campaign=fuzz
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=0
options seconds -- "$@"
[ "$seconds" != 0 ] || seconds=$([ $short = 1 ] && echo 90 || echo 3400)
begin
begun=$SECONDS
tool=artifacts/tools/sharpfuzz-2.3.0
[ -x $tool/sharpfuzz ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path $tool >"$work/install" 2>&1 ||
    fail "the tool that instruments cannot be installed: $(tail -n 1 "$work/install")"
dotnet build tests/PageFold.Fuzz -c Release --nologo -v quiet -clp:ErrorsOnly || fail "the fuzzer does not build"
cp -r tests/PageFold.Fuzz/bin/Release/net10.0 "$work/bin"
# The tool is made for an earlier runtime.
for assembly in PageFold PageFold.Nbd; do
    DOTNET_ROLL_FORWARD=Major $tool/sharpfuzz "$work/bin/$assembly.dll" >"$work/instrument" 2>&1 ||
        fail "$assembly cannot be instrumented: $(tail -n 1 "$work/instrument")"
done
findings=artifacts/campaigns/fuzz
rm -rf $findings
told=()
for target in snapshot nbd; do
    dotnet "$work/bin/PageFold.Fuzz.dll" $target tests/corpus/$target $findings $((seconds / 2)) "$seed" >"$work/$target" 2>&1 </dev/null &
    started+=($!)
    wait $!
    status=$?
    tail -n 60 "$work/$target"
    # A process that ended in the middle has left its input behind.
    [ $status = 0 ] || fail "$target: exit code $status; the inputs are in $findings: $(ls $findings | paste -sd ' ' | cut -c1-200)"
    told+=("$(sed -n 's/^FUZZED //p' "$work/$target")")
    branches=$(sed -n 's/.* runs, \([0-9]*\) branches.*/\1/p' "$work/$target")
    [ "${branches:-0}" -gt 500 ] || fail "$target: $branches branches were seen; nothing was instrumented"
done
pass "${told[0]}; ${told[1]}; in $((SECONDS - begun)) s"
