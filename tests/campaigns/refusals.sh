#!/usr/bin/env bash
# A full disk refuses one client's writes without an end: at the stated rate, and a second client keeps 0.8 of its reads and overwrites.
# refusals.sh [--short] [--seed N] [--rounds N] [--seconds N]
campaign=refusals
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
rounds=0
seconds=0
options rounds seconds -- "$@"
[ "$rounds" != 0 ] || rounds=$([ $short = 1 ] && echo 5 || echo 15)
[ "$seconds" != 0 ] || seconds=$([ $short = 1 ] && echo 2 || echo 10)
/usr/bin/python3 -c 'import nbd' 2>/dev/null || fail "needs the Debian package python3-libnbd; ./test.sh --long installs it"
begin
build_command
begun=$SECONDS
client() { /usr/bin/python3 tests/campaigns/refusals.py "$1" "$work/s" "$seed" "${@:2}"; }
median() { printf '%s\n' "$@" | sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }

# What docs/ramdisk.md states, for each connection; a tenth of it at once, and what is under way when that is used up.
rate=1000
burst=$((rate / 10 + 16))
control=$work/s.control
start_server "$work/server.log" --unix "$work/s" --size 256MiB --memory-limit 32MiB --codec lz4
blocks=$(client fill) || fail "the disk could not be filled"
say "the disk is full with $blocks blocks"
alone=()
beside=()
echo "   round  alone/s  beside/s  refused/s"
for ((round = 1; round <= rounds; round++)); do
    alone+=("$(client use "$blocks" "$seconds")") || fail "round $round: the second client failed"
    coproc repeating { client repeat "$blocks"; }
    pid=$repeating_PID
    exec {stop}>&"${repeating[1]}" {answer}<&"${repeating[0]}"
    started+=("$pid")
    beside+=("$(client use "$blocks" "$seconds")") || fail "round $round: the second client failed beside refused writes"
    echo >&"$stop"
    read -r refused took <&"$answer" || fail "round $round: the client that repeats refused writes failed"
    exec {stop}>&- {answer}<&-
    wait "$pid"
    printf '%8d  %7d  %8d  %9d\n' "$round" "${alone[-1]}" "${beside[-1]}" "$(awk -v n="$refused" -v s="$took" 'BEGIN {print int(n / s)}')"
    most=$(awk -v s="$took" -v rate=$rate -v burst=$burst 'BEGIN {print int(rate * s + burst)}')
    [ "$refused" -le "$most" ] || fail "round $round: $refused writes were refused in $took s, and $most may be"
    [ "$refused" -gt $burst ] || fail "round $round: only $refused writes were refused; nothing was measured"
done
ratio=$(awk -v a="$(median "${alone[@]}")" -v b="$(median "${beside[@]}")" 'BEGIN {printf "%.3f", b / a}')
awk -v r="$ratio" 'BEGIN {exit !(r >= 0.8)}' || fail "beside refused writes a second client keeps only $ratio of its requests"
read -r all < <(figure "$control" exports.0.refusedWrites) || fail "the server does not answer"
end_server TERM || fail "the server ended with exit code $?: $(tail -n 3 "$work/server.log")"
pass "$rounds rounds in $((SECONDS - begun)) s, $all writes refused, a second client keeps $ratio of its requests"
