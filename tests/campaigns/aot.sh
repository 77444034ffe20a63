#!/usr/bin/env bash
# The command compiled ahead of time to one native program, without a warning, measures and serves as the managed one does.
# aot.sh [--short] [--seed N]; both forms are the same, and the seed is only printed.
campaign=aot
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
needs nbdcopy:libnbd-bin cmp:diffutils
begin
build_command
begun=$SECONDS
compile_command
! grep -ai 'warning' "$work/compile.log" || fail "compiling gives warnings"
say "one program of $(($(stat -c %s "$program") >> 20)) MiB after $((SECONDS - begun)) s"
for codec in lz4 zstd; do
    for command in "$program" pagefold; do
        "$command" measure docs README.md --codec "$codec" --json - >"$work/report" 2>"$work/error" ||
            fail "measure with $codec: exit code $?: $(tail -n 1 "$work/error")"
        python3 -c '
import json, sys
report = json.load(open(sys.argv[1]))
print(report["verified"], report["pages"], report["compressedBytes"])
' "$work/report" >"$work/$(basename "$command")" || fail "measure with $codec prints no such report"
    done
    cmp "$work/PageFold.Cli" "$work/pagefold" || fail "with $codec both measure something else"
    grep -q '^True ' "$work/pagefold" || fail "measure with $codec verifies nothing"
done
served_by=("$program")
head -c 8M "$program" >"$work/image"
start_server "$work/log" --size 8MiB --memory-limit 64MiB --unix "$work/s" --keep "$work/kept"
nbdcopy "$work/image" "nbd+unix:///?socket=$work/s" || fail "the disk takes no image"
"$program" snapshot --raw /dev/stdout --control "$work/s.control" >"$work/saved" 2>"$work/error" ||
    fail "no snapshot: $(tail -n 1 "$work/error")"
cmp "$work/image" "$work/saved" || fail "the snapshot is not what was written"
end_server TERM || fail "the server ended with exit code $?"
start_server "$work/log" --size 8MiB --memory-limit 64MiB --unix "$work/s" --keep "$work/kept"
nbdcopy "nbd+unix:///?socket=$work/s" "$work/read" && cmp "$work/image" "$work/read" || fail "what was kept is not what was written"
end_server TERM || fail "the server ended with exit code $?"
pass "compiled, measured and served in $((SECONDS - begun)) s"
