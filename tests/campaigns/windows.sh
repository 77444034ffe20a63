#!/usr/bin/env bash
# Straddling objects mapped through windows, verified and unmapped, for five minutes (short: 20 s).
# The seed is only printed: threads decide the order.
campaign=windows
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
options -- "$@"
begun=$SECONDS
benchmarks/soak.sh windows "$([ $short = 1 ] && echo 20 || echo 300)" || fail "see above"
pass "$((SECONDS - begun)) s"
