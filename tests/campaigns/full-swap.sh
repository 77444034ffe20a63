#!/usr/bin/env bash
# A swap disk with a writeback file is filled, and each block overwritten with one that does not compress.
# None is refused, every byte is verified.
# full-swap.sh [--short] [--seed N] [--limit MIB]
campaign=full-swap
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
limit=0
options limit -- "$@"
[ "$limit" != 0 ] || limit=$([ $short = 1 ] && echo 32 || echo 64)
/usr/bin/python3 -c 'import nbd' 2>/dev/null || fail "needs the Debian package python3-libnbd; ./test.sh --long installs it"
begin
build_command
begun=$SECONDS
control=$work/s.control
start_server "$work/server.log" --unix "$work/s" --swap 3 --memory-limit "${limit}MiB" --writeback "$work/written-back"
/usr/bin/python3 tests/campaigns/full-swap.py "$work/s" "$seed" >"$work/client" 2>&1 || fail "$(tail -n 3 "$work/client")"
# Each line: what was done, how many blocks, seconds.
while read -r what blocks took; do say "$what: $blocks blocks, $took s"; done <"$work/client"
grep -q '^wrong 0 ' "$work/client" || fail "the client ended before all was compared"
figures=(exports.0.refusedWrites exports.0.writtenBackPages exports.0.totalBytes)
read -r refused back total < <(figure "$control" "${figures[@]}") || fail "the server does not answer"
[ "$refused" = 0 ] || fail "$refused writes were refused"
[ "$back" -gt 0 ] || fail "no page was written back; the disk was never full"
[ "$total" -le $((limit << 20)) ] || fail "$total bytes are held, above the limit of $limit MiB"
end_server TERM || fail "the server ended with exit code $?: $(tail -n 3 "$work/server.log")"
pass "$((SECONDS - begun)) s, $back pages written back, $((total >> 20)) of $limit MiB held"
