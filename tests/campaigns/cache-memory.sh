#!/usr/bin/env bash
# The resident memory of a process with a cache of 256 MiB, watched from outside for ten minutes (short: 30 s) of churn
# of mixed sizes, expiry, tags, changes of dictionaries and of the limit. It may exceed what it was before the cache by the
# limit, 2 % of it, and a constant.
campaign=cache-memory
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=0
limit=256
# What the runtime takes for threads, collections and compiled code while it works; measured with a limit of 8 MiB.
constant=16
options seconds limit constant -- "$@"
[ "$seconds" != 0 ] || seconds=$([ $short = 1 ] && echo 30 || echo 600)
begin
dotnet build benchmarks/PageFold.CacheSoak -c Release --nologo -v quiet -clp:ErrorsOnly || fail "the program does not build"
mkfifo "$work/go"
# The runtime sizes its own heap, which is no part of the cache, by the machine.
DOTNET_GCGen0Size=0x400000 dotnet benchmarks/PageFold.CacheSoak/bin/Release/net10.0/PageFold.CacheSoak.dll "$seconds" "$limit" "$seed" \
    <"$work/go" >"$work/out" 2>&1 &
soak=$!
started+=("$soak")
exec 9>"$work/go"
resident() { awk '$1 == "VmRSS:" {print $2}' "/proc/$1/status" 2>/dev/null; }
for ((i = 0; i < 600; i++)); do
    ! grep -q '^ready' "$work/out" || break
    kill -0 "$soak" 2>/dev/null || fail "it ended: $(tail -n 3 "$work/out")"
    sleep 0.1
done
before=$(resident "$soak")
echo >&9
most=0
while kill -0 "$soak" 2>/dev/null && ! grep -q '^done' "$work/out"; do
    now=$(resident "$soak")
    [ "${now:-0}" -le "$most" ] || most=$now
    sleep 0.05
done
exec 9>&-
wait "$soak"
status=$?
tail -n 2 "$work/out"
[ $status = 0 ] || fail "exit code $status"
allowed=$((limit * 1024 * 102 / 100 + constant * 1024))
grew=$((most - before))
figures="$((grew / 1024)) MiB above the $((before / 1024)) MiB at the beginning; the limit is $limit MiB, "
figures+="allowed are $((allowed / 1024)) MiB"
[ $grew -le $allowed ] || fail "$figures"
# A cache that is not full proves nothing.
[ $seconds -lt 30 ] || [ $grew -ge $((limit * 1024 * 3 / 4)) ] || fail "the cache was never full: $figures"
pass "$figures"
