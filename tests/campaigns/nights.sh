#!/usr/bin/env bash
# A disk is written by day and recompressed each night with a dictionary trained on it: a hundred nights (short: 15).
# None is refused, every byte is verified, memory stays flat, the ratio is kept.
# nights.sh [--short] [--seed N] [--nights N] [--size MIB]
campaign=nights
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
nights=0
size=64
options nights size -- "$@"
[ "$nights" != 0 ] || nights=$([ $short = 1 ] && echo 15 || echo 100)
[ "$nights" -ge 10 ] || misuse "--nights $nights is too few to tell whether memory is flat; give at least 10"
/usr/bin/python3 -c 'import nbd' 2>/dev/null || fail "needs the Debian package python3-libnbd; ./test.sh --long installs it"
begin
build_command
# Content of this machine's files, twice as much as the disk holds.
(find /usr/share /usr/lib -xdev -type f -size +4k -print0 2>/dev/null | sort -z | xargs -0 cat 2>/dev/null || true) |
    head -c "$((size << 21))" >"$work/image"
[ "$(stat -c %s "$work/image")" = $((size << 21)) ] || fail "the files below /usr/share and /usr/lib come to less than $((size * 2)) MiB"

control=$work/s.control
start_server "$work/server.log" --unix "$work/s" --size "${size}MiB" --memory-limit "$((size * 2))MiB" --codec lz4
coproc disk { exec /usr/bin/python3 tests/campaigns/nights.py "$work/s" "$work/image" "$seed"; }
client=$disk_PID
started+=("$client")
ask() { # COMMAND, what must come back
    local answer=""
    echo "$1" >&"${disk[1]}"
    read -r answer <&"${disk[0]}" || true
    [ "$answer" = "$2" ] || fail "night $night: '$1' is answered '$answer', not '$2'"
}

night=0
begun=$SECONDS
ask "day 1" written
ratios=()
held=()
residents=()
echo "   night  ratio by day  ratio after  held KiB  resident KiB  codecs"
for ((night = 1; night <= nights; night++)); do
    ask "day 0.5" written
    read -r pages compressed < <(figure "$control" exports.0.originalBytes exports.0.compressedBytes) ||
        fail "night $night: the server does not answer"
    by_day=$(awk -v a="$pages" -v b="$compressed" 'BEGIN {printf "%.3f", a / b}')
    # Each tenth night's codec is used for the next day's writes too.
    pagefold recompress --control "$control" --codec zstd:3 --train 32KiB \
        $([ $((night % 10)) != 0 ] || echo --for-writes) >"$work/night" 2>&1 ||
        fail "night $night: recompress --train was refused: $(tail -n 3 "$work/night")"
    read -r pages compressed total resident refused < <(figure "$control" exports.0.originalBytes exports.0.compressedBytes \
        exports.0.totalBytes residentBytes exports.0.refusedWrites) ||
        fail "night $night: the server does not answer"
    codecs=$(pagefold stat --control "$control" --json |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["exports"][0]["codecs"]))')
    ratios+=("$(awk -v a="$pages" -v b="$compressed" 'BEGIN {printf "%.3f", a / b}')")
    held+=($((total >> 10)))
    residents+=($((resident >> 10)))
    [ "$refused" = 0 ] || fail "night $night: $refused writes were refused"
    [ $((night % 5)) != 0 ] || ask verify "wrong 0"
    printf '%8d  %12s  %11s  %8d  %12d  %6d\n' "$night" "$by_day" "${ratios[-1]}" "${held[-1]}" "${residents[-1]}" "$codecs"
done
ask verify "wrong 0"

# late_to_early VALUE...: the mean of the last quarter over the mean of the second.
late_to_early() {
    printf '%s\n' "$@" |
        awk '{a[NR] = $1} END {q = int(NR / 4); for (i = 1; i <= q; i++) {e += a[q + i]; l += a[NR - q + i]} printf "%.4f", l / e}'
}
is_within() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN {exit !(x >= low && x <= high)}'; }
ratio=$(late_to_early "${ratios[@]}")
total=$(late_to_early "${held[@]}")
resident=$(late_to_early "${residents[@]}")
say "the last quarter of the nights beside the second: ratio $ratio, memory held $total, resident memory $resident times"
is_within "$ratio" 0.97 9 || fail "the ratio is not kept: $ratio times what it was"
is_within "$total" 0 1.05 || fail "the memory that is held grows: $total times what it was"
is_within "$resident" 0 1.10 || fail "resident memory grows: $resident times what it was"
eval "exec ${disk[1]}>&-"
wait "$client" || fail "the client ended with exit code $?"
end_server TERM || fail "the server ended with exit code $?: $(tail -n 3 "$work/server.log")"
pass "$nights nights in $((SECONDS - begun)) s, ratio ${ratios[-1]}, $((held[-1] >> 10)) MiB held"
