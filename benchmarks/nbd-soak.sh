#!/usr/bin/env bash
# Loads a served disk with everything at once, for an hour or the seconds of the first argument: fio with verification, the load
# generator with verification on a second disk, snapshots that are restored and compared, recompression, writeback, compaction, discards.
# Fails on a wrong byte, an error, or memory that grows.
# Needs fio, nbdcopy and qemu-io (Debian: fio libnbd-bin qemu-utils).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-3600}
if [[ $# -gt 1 || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "nbd-soak.sh: '$*' is no number of seconds; write for example benchmarks/nbd-soak.sh 600." >&2
    exit 2
fi
mib=${SIZE_MIB:-512}
for program in fio nbdcopy qemu-io dotnet; do
    command -v "$program" >/dev/null ||
        { echo "nbd-soak.sh: $program is missing; install it (Debian: fio libnbd-bin qemu-utils)." >&2; exit 2; }
done
work=$(mktemp -d)
server=0
jobs_=()
finish() {
    for pid in "${jobs_[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ "$server" = 0 ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
./pagefold --version >/dev/null
pagefold=(dotnet src/PageFold.Cli/bin/Release/net10.0/PageFold.Cli.dll)
dotnet build benchmarks/PageFold.NbdLoad -c Release --nologo -v quiet
load=(dotnet benchmarks/PageFold.NbdLoad/bin/Release/net10.0/PageFold.NbdLoad.dll)
(find /usr/share /usr/lib -xdev -type f -size +4k -print0 2>/dev/null | sort -z | xargs -0 cat 2>/dev/null || true) |
    head -c "$((mib << 20))" >"$work/image" || true

# Four disks: one for fio, one for the load generator, one that is written and saved in turns, one that is trimmed repeatedly.
"${pagefold[@]}" serve --unix "$work/s" --size "${mib}MiB" --memory-limit "$((mib * 4))MiB" --codec lz4 \
    --recompress zstd:3 --idle 5s --writeback "$work/wb" --writeback-size "$((mib * 2))MiB" --writeback-idle 10s \
    --export fio --export load --export pair --export trim 2>"$work/log" &
server=$!
for _ in $(seq 100); do grep -q "serving at" "$work/log" 2>/dev/null && break; sleep 0.1; done
uri() { echo "nbd+unix:///$1?socket=$work/s"; }
control="$work/s.control"
fail() { echo "FAILED: $1"; tail -5 "$work/log"; exit 1; }
end=$((SECONDS + seconds))
broke() { # what, file with the output
    { echo "$1 has failed"; [ -z "${2:-}" ] || tail -c 1500 "$2"; } >"$work/failed.$1"
    exit 1
}

fio_loop() { # random writes of all sizes, each block verified
    while [ $SECONDS -lt $end ]; do
        fio --name=v --ioengine=nbd --uri="$(uri fio)" --rw=randrw --bsrange=512-64k \
            --bs_unaligned=0 --blockalign=512 --iodepth=16 --size="${mib}m" --io_size="$((mib / 4))m" \
            --verify=xxhash --verify_fatal=1 --verify_state_save=0 \
            --buffer_compress_percentage=50 --refill_buffers --randrepeat=0 >"$work/fio.out" 2>&1 || broke fio "$work/fio.out"
    done
}
load_loop() { # real content, every block read back and compared
    while [ $SECONDS -lt $end ]; do
        nbdcopy --connections=2 "$work/image" "$(uri load)" >"$work/load.out" 2>&1 || broke copying "$work/load.out"
        "${load[@]}" overwrite "$work/s" "$work/image" 1 16 load >"$work/load.out" 2>&1 || broke overwriting "$work/load.out"
    done
}
trim_loop() {
    while [ $SECONDS -lt $end ]; do
        nbdcopy "$work/image" "$(uri trim)" >"$work/trim.out" 2>&1 || broke copying "$work/trim.out"
        qemu-io -f raw -d unmap -c "discard 1M $((mib / 2))M" -c "read -P 0 1M $((mib / 2))M" "$(uri trim)" \
            >"$work/trim.out" 2>&1 && ! grep -q "fail" "$work/trim.out" || broke trim "$work/trim.out"
    done
}
pair_loop() { # a snapshot equals the disk, which is not written while it is saved; other disks are
    restored=0
    trap '[ "$restored" = 0 ] || kill "$restored" 2>/dev/null' EXIT
    while [ $SECONDS -lt $end ]; do
        nbdcopy "$work/image" "$(uri pair)" >"$work/pair.out" 2>&1 || broke copying "$work/pair.out"
        "${pagefold[@]}" snapshot "$work/pair.snapshot" --control "$control" --export pair >"$work/pair.out" 2>&1 ||
            broke snapshot "$work/pair.out"
        # An image of one point in time, taken of a disk that is overwritten meanwhile.
        "${pagefold[@]}" snapshot "$work/load.raw" --raw --control "$control" --export load >"$work/pair.out" 2>&1 ||
            broke image "$work/pair.out"
        "${pagefold[@]}" serve --restore "$work/pair.snapshot" --unix "$work/r" 2>"$work/restore.log" &
        restored=$!
        for _ in $(seq 600); do grep -q "serving at" "$work/restore.log" 2>/dev/null && break; sleep 0.1; done
        nbdcopy "nbd+unix:///?socket=$work/r" "$work/restored" >>"$work/restore.log" 2>&1 || broke restoring "$work/restore.log"
        cmp "$work/restored" "$work/image" >"$work/pair.out" 2>&1 || broke comparing "$work/pair.out"
        kill "$restored"
        wait "$restored" || broke ending "$work/restore.log"
        restored=0
        rm -f "$work/restored" "$work/load.raw"
    done
}
tend_loop() {
    while [ $SECONDS -lt $end ]; do
        for disk in fio load pair trim; do
            "${pagefold[@]}" recompress --codec zstd:3 --count 20000 --control "$control" --export $disk >"$work/tend.out" 2>&1 ||
                broke recompress "$work/tend.out"
            "${pagefold[@]}" writeback --most 32MiB --control "$control" --export $disk >"$work/tend.out" 2>&1 ||
                broke writeback "$work/tend.out"
            "${pagefold[@]}" compact --control "$control" --export $disk >"$work/tend.out" 2>&1 || broke compact "$work/tend.out"
        done
        sleep 5
    done
}
for loop in fio_loop load_loop trim_loop pair_loop tend_loop; do $loop & jobs_+=($!); done

echo " seconds  resident MiB  held MiB  written back MiB"
declare -a residents
while [ $SECONDS -lt $end ]; do
    sleep "$((seconds < 600 ? 10 : 60))"
    kill -0 $server 2>/dev/null || fail "the server has ended"
    ls "$work"/failed.* >/dev/null 2>&1 && fail "$(cat "$work"/failed.*)"
    resident=$(awk '/VmRSS/ {printf "%d", $2 / 1024}' /proc/$server/status)
    residents+=("$resident")
    "${pagefold[@]}" stat --control "$control" --json 2>/dev/null | awk -v s="$((seconds - (end - SECONDS)))" -v r="$resident" \
        '/"totalBytes"/ {h += $2} /"writtenBackBytes"/ {w += $2} END {printf "%8d  %12d  %8d  %16d\n", s, r, h / 1048576, w / 1048576}'
done
for pid in "${jobs_[@]}"; do wait "$pid" || fail "$(cat "$work"/failed.* 2>/dev/null)"; done
jobs_=()
# Flat: the last quarter is at most a twentieth above the second.
printf '%s\n' "${residents[@]}" | awk '{a[NR] = $1} END {
    for (i = int(NR / 4) + 1; i <= int(NR / 2); i++) {e += a[i]; n++}
    for (i = int(NR * 3 / 4) + 1; i <= NR; i++) {l += a[i]; m++}
    if (n == 0 || m == 0) {print "too short to tell whether memory is flat"; exit 0}
    printf "no wrong byte; resident memory %d MiB early, %d MiB late: %s\n", e / n, l / m, l / m <= 1.05 * e / n ? "flat" : "GREW"
    exit l / m <= 1.05 * e / n ? 0 : 1}'
