#!/usr/bin/env bash
# Mixed store, load, discard and compact on all cores under a tight limit for ten minutes (short: one).
# Every load is verified, and no memory grows.
# The seed is only printed: threads decide the order.
campaign=soak
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
begun=$SECONDS
benchmarks/soak.sh "$([ $short = 1 ] && echo 60 || echo 600)" || fail "see above"
pass "$((SECONDS - begun)) s"
