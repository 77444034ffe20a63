#!/usr/bin/env bash
# Hit ratios of caches on recorded traces at 2, 10 and 30 % of the distinct keys: the table of docs/eviction.md. Five minutes.
#   benchmarks/cache.sh [FILE] [OPTION...]    FILE is w106.trace.xz of cloud_physics, which may not be passed on here; without it its
#                                             three lines are missing. benchmarks/traces/README.md says where it is.
#                                             OPTION: --json -, --svg FILE
# The other tables: ./pagefold bench cache --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
traces=benchmarks/traces
named=()
for name in gli loop 2_pools multi3 sprite; do
    named+=("$traces/lirs-$name.trace.gz:text")
done
for name in web07 orm-busy; do
    named+=("$traces/cache2k-$name.trace.xz:int32be")
done
if [ -n "${1:-}" ] && [[ $1 != --* ]]; then
    [ -f "$1" ] || { echo "cache.sh: there is no file '$1'." >&2; exit 2; }
    named+=("$1:int32le")
    shift
else
    echo "cache.sh: without cloud_physics/w106.trace.xz, which is not in this repository; $traces/README.md says where it is." >&2
fi
exec ./pagefold bench cache --trace "${named[@]}" --capacity 2%,10%,30% "$@"
