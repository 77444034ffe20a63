#!/usr/bin/env bash
# Clients ask for 30 times 32 MiB and leave, 40 at once for 30 rounds (short: 6).
# The server is in a control group of its limit, the documented bound and the runtime: it is not killed, and gives the memory back.
# greedy.sh [--short] [--seed N] [--clients N] [--rounds N]
campaign=greedy
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
clients=40
rounds=0
options clients rounds -- "$@"
[ "$rounds" != 0 ] || rounds=$([ $short = 1 ] && echo 6 || echo 30)
[ "$clients" -ge 1 ] || misuse "--clients $clients is too few; give at least 1"
begin
build_command
# One connection more for the client that verifies. What docs/ramdisk.md says: 396 KiB for each connection and 32 MiB, 0.2 MiB of the kernel
# for each, 75 MiB of runtime.
limit=144
bound=$((((clients + 1) * 396 + 1023 >> 10) + 32))
group_bytes=$((limit + bound + ((clients + 1) * 200 >> 10) + 1 + 75))
make_group greedy $((group_bytes << 20)) || fail "needs to be able to make a control group with a memory limit"
within=(in_group "$group")
control=$work/s.control
start_server "$work/server.log" --unix "$work/s" --size 1GiB --memory-limit "${limit}MiB" --max-connections $((clients + 1))
within=()
coproc greedy { exec python3 tests/campaigns/greedy.py "$work/s" "$clients" "$rounds" "$seed"; }
client=$greedy_PID
started+=("$client")
begun=$SECONDS
read -r answer <&"${greedy[0]}" && [ "$answer" = filled ] || fail "the disk was not filled"
sleep 4
read -r before most < <(figure "$control" residentBytes connectionBytesLimit) || fail "the server does not answer"
[ "$most" -le $((bound << 20)) ] || fail "the server says that connections have at most $most bytes, the documents $bound MiB"
echo >&"${greedy[1]}"
read -r answer checked <&"${greedy[0]}" && [ "$answer" = gone ] ||
    fail "the clients did not come to their end: $(tail -n 3 "$work/server.log")"
kill -0 "$server" 2>/dev/null || fail "the server has ended: $(tail -n 3 "$work/server.log")"
# Memory that was not needed for two seconds goes back.
for ((i = 0; i < 30; i++)); do
    sleep 1
    read -r after held peak < <(figure "$control" residentBytes connectionBytes connectionPeakBytes) || fail "the server does not answer"
    [ "$held" != 0 ] || break
done
say "$checked MiB verified; connections had up to $((peak >> 10)) KiB of $((most >> 10));" \
    "resident $((before >> 20)) MiB before, $((after >> 20)) after;" \
    "the group had up to $(($(group_peak "$group") >> 20)) MiB of $group_bytes MiB"
[ "$(group_kills "$group")" = 0 ] || fail "the kernel killed a process of the group"
[ "$peak" -le "$most" ] || fail "connections had more than they may"
[ "$held" = 0 ] || fail "connections that are gone still have $held bytes"
[ $((after - before)) -le $((32 << 20)) ] || fail "resident memory stays $(((after - before) >> 20)) MiB above its start"
end_server TERM || fail "the server ended with exit code $?: $(tail -n 3 "$work/server.log")"
pass "$clients clients, $rounds rounds in $((SECONDS - begun)) s"
