#!/usr/bin/env bash
# A served disk under everything at once for 50 minutes (short: 60 s).
# Fio, verified overwrites, snapshots restored and compared, recompression, writeback, compaction, discards.
# The seed is only printed: clients decide the order.
campaign=disk-soak
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
needs fio:fio nbdcopy:libnbd-bin qemu-io:qemu-utils
begun=$SECONDS
if [ $short = 1 ]; then SIZE_MIB=96 benchmarks/nbd-soak.sh 60; else benchmarks/nbd-soak.sh 3000; fi || fail "see above"
pass "$((SECONDS - begun)) s"
