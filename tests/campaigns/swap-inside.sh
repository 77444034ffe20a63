#!/usr/bin/env bash
# A Linux guest (user-mode Linux) swaps to `pagefold serve` inside the same guest, set as docs/ramdisk.md says. Every byte is verified.
# The guest has control groups of version 2.
# swap-inside.sh [--short] [--seed N] [--memory MIB] [--working-set MIB] [--rounds N] [--seconds N]
# SETTINGS="NAME=VALUE..." tries other settings than the recommended, once: lock=--lock-memory programs=80M group_swap=0 score=-1000
# min_free=16384; SETTINGS=none tries none. The guest is ended after so many seconds.
# KEEP_CONSOLE=FILE keeps what the guest said. PAGEFOLD=FILE is the command compiled ahead of time, if it is there already.
campaign=swap-inside
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source tests/campaigns/guest/lib.sh
memory=320
working_set=190
rounds=0
seconds=0
options memory working-set rounds seconds -- "$@"
[ "$rounds" != 0 ] || rounds=$([ $short = 1 ] && echo 1 || echo 10)
[ "$seconds" != 0 ] || seconds=$((rounds * 60 + 240))
needs "${guest_needs[@]}" mkswap:util-linux sysctl:procps
begin
# The settings that the page recommends: the server locked, the programs that swap in a group that leaves memory to the kernel.
settings=${SETTINGS:-lock=--lock-memory programs=80M}
[ "$settings" != none ] || settings=
[ -n "${PAGEFOLD:-}" ] || { compile_command; PAGEFOLD=$program; }
cp "$PAGEFOLD" "$work/pagefold"
make_guest init-inside mkswap swapon swapoff sysctl "$work/pagefold"
printf '%s\n' limit=160 lock= group_swap=max programs=max score=0 min_free=0 "working_set=$working_set" "rounds=$rounds" "seed=$seed" \
    "stages='$([ -n "${SETTINGS:-}" ] || echo limits) swap'" >"$guest/root/parameters"
printf '%s\n' $settings >>"$guest/root/parameters"
say "settings: ${settings:-none}"
begun=$SECONDS
boot_guest "$memory" "$seconds"
await_end
! grep -aq 'Write-error' "$console" || [ -n "${SETTINGS:-}" ] ||
    broken "writes were refused: the memory limit is too small for this working set"
pass "$working_set MiB in a guest of $memory MiB with its server, $rounds rounds, $((SECONDS - begun)) s"
