#!/usr/bin/env bash
# A Linux guest (user-mode Linux) swaps a working set larger than its memory to `pagefold serve`, keeps files on it,
# and has its server restarted and killed. Every byte is verified.
# guest.sh [--short] [--seed N] [--memory MIB] [--working-set MIB] [--rounds N]. The guest's commands for swap are those that
# docs/ramdisk.md shows: the campaign reads them there.
# Needs no privilege and no virtualisation. KEEP_CONSOLE=FILE keeps what the guest said.
campaign=guest
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source tests/campaigns/guest/lib.sh
memory=96
working_set=160
rounds=0
options memory working-set rounds -- "$@"
[ "$rounds" != 0 ] || rounds=$([ $short = 1 ] && echo 1 || echo 20)
needs "${guest_needs[@]}" mkswap:util-linux sysctl:procps mkfs.ext4:e2fsprogs
begin
build_command
limit=$((rounds * 60 + 420))

make_guest init mkswap swapon swapoff sysctl mkfs.ext4 fsck.ext4 fstrim
printf '%s\n' "memory=$memory" "working_set=$working_set" "rounds=$rounds" "seed=$seed" \
    "stages='swap files killed'" >"$guest/root/parameters"

# The shell blocks of the section "As swap" that set swap up and end it.
blocks() {
    awk '/^## / {section = $0}
        section == "## As swap" && /^```sh$/ {inside = 1; block = ""; next}
        /^```$/ {if (inside && block ~ wanted) printf "%s", block; inside = 0}
        inside {block = block $0 "\n"}' wanted="$1" docs/ramdisk.md
}

# Over time the guest's kernel writes to all of the disk, so its size is what the limit holds of such pages, which compress to about 0.55.
server_options=(
    --unix "$work/s" --codec lz4 --export "swap,size=384MiB,memory-limit=256MiB"
    --export "files,size=64MiB,memory-limit=64MiB,keep=$work/files.snapshot" --export "killed,size=16MiB,memory-limit=32MiB"
)
start_server "$work/server.log" --listen 127.0.0.1:0 "${server_options[@]}"
port=$(grep -ao '127\.0\.0\.1:[0-9]*' "$work/server.log" | head -n 1 | cut -d: -f2)
control=$work/s.control
# The port is the one that was free here, and the disk is the export "swap". Nothing else in the commands differs from the document.
blocks 'mkswap' | sed "s/ 10809 / $port /; s/^nbd-client server .*/& -name swap/" >"$guest/root/commands/swap-on"
blocks '^swapoff' >"$guest/root/commands/swap-off"
sed -i "s/ 10809 / $port /" "$guest/root/init"
[ -s "$guest/root/commands/swap-on" ] && [ -s "$guest/root/commands/swap-off" ] ||
    fail 'docs/ramdisk.md has no commands for swap under "As swap"'
say "the guest's commands, from docs/ramdisk.md:"
sed 's/^/    /' "$guest/root/commands/swap-on" "$guest/root/commands/swap-off"

boot_guest "$memory" "$limit"
most_pages=0
peak=0
watch_server() {
    local pages held
    read -r pages held < <(figure "$control" exports.0.pages exports.0.totalBytes) || return 0
    [ "$pages" -le $most_pages ] || most_pages=$pages
    [ "$held" -le $peak ] || peak=$held
}
# await NAME: the guest has come to a meeting point.
await() {
    while [ ! -e "$guest/root/meet/at-$1" ]; do
        kill -0 "$boot" 2>/dev/null || broken "the guest has ended before '$1': $(cat "$work/boot.log")"
        show
        watch_server
        sleep 1
    done
    show
}
go() { : >"$guest/root/meet/go-$1"; }

begun=$SECONDS
await swapped
read -r write_errors written trims refused < <(figure "$control" exports.0.requests.write.errors exports.0.requests.write.bytes \
    exports.0.requests.trim.requests exports.0.refusedWrites)
after=$(figure "$control" exports.0.pages)
say "swap: $((SECONDS - begun)) s, at most $most_pages pages ($((most_pages / 256)) MiB) stored in $((peak >> 20)) MiB," \
    "$((written >> 20)) MiB written, $trims discards, $write_errors errors, $after pages left when the program had ended"
floor=$(((working_set - memory) * 256))
[ "$most_pages" -ge "$floor" ] ||
    broken "at most $most_pages pages were on the server; a working set of $working_set MiB in $memory MiB of memory needs $floor"
[ "$trims" -gt 0 ] || broken "no discard has arrived"
[ "$write_errors" = 0 ] && [ "$refused" = 0 ] || broken "$write_errors writes failed, $refused were refused"
[ "$after" -lt $((most_pages / 2)) ] ||
    broken "$after of $most_pages pages are still there after the program has ended: discards do not give memory back"
go swapped

await written
held=$(figure "$control" exports.1.pages)
go written
await restarted
end_server TERM || broken "the server did not keep its disk: $(tail -n 3 "$work/server.log")"
start_server "$work/server.log" --listen "127.0.0.1:$port" "${server_options[@]}"
go restarted
await trimmed
left=$(figure "$control" exports.1.pages)
say "files: $held pages with 24 MiB of files, kept over a restart, $left pages after fstrim"
[ "$held" -ge 4096 ] && [ "$left" -lt $((held / 2)) ] || broken "fstrim does not give memory back: $held pages before, $left after"
go trimmed

await killed
end_server KILL
go killed
await again
[ -S "$work/s" ] || broken "a killed server should leave its socket behind"
start_server "$work/server.log" --listen "127.0.0.1:$port" "${server_options[@]}"
say "killed: started again over the socket that the killed server left"
go again

await_end
end_server TERM || fail "the server ended with exit code $?: $(tail -n 3 "$work/server.log")"
pass "$working_set MiB in a guest of $memory MiB, $rounds rounds, $((SECONDS - begun)) s"
