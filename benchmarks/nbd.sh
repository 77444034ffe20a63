#!/usr/bin/env bash
# Compares `pagefold serve` with nbdkit's memory plugin, in turns, on one machine in one run, over Unix sockets, on the content of an image:
#   benchmarks/nbd.sh                  requests a second, then memory
#   benchmarks/nbd.sh iops|memory      one of the two
# IMAGE=FILE uses that image; otherwise one of SIZE_MIB megabytes (1024) is made of files below /usr. SECONDS_EACH (5) is the duration of
# a measurement, ROUNDS (3) the number of rounds.
# Needs nbdkit, nbdcopy and fio (Debian: nbdkit libnbd-bin fio). Memory also needs gcc and zlib's headers, because the server is compiled
# ahead of time, as it is deployed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
what=${1:-all}
case $what in
    iops | memory | all) ;;
    *) echo "nbd.sh: there is no '$what'; choose iops or memory, or nothing for both." >&2; exit 2 ;;
esac
mib=${SIZE_MIB:-1024}
seconds=${SECONDS_EACH:-5}
rounds=${ROUNDS:-3}
depth=16
for program in nbdkit nbdcopy fio dotnet; do
    command -v "$program" >/dev/null || { echo "nbd.sh: $program is missing; install it (Debian: nbdkit libnbd-bin fio)." >&2; exit 2; }
done
work=$(mktemp -d)
servers=()
stop() { for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done; servers=(); }
trap 'stop; rm -rf "$work"' EXIT

image=${IMAGE:-$work/image}
if [ -z "${IMAGE:-}" ]; then
    echo "Making an image of $mib MiB of files ..." >&2
    # Unreadable files do not matter, nor that head ends the pipe.
    (find /usr/share /usr/lib -xdev -type f -size +4k -print0 2>/dev/null | sort -z | xargs -0 cat 2>/dev/null || true) |
        head -c "$((mib << 20))" >"$image" || true
fi
bytes=$(($(stat -c %s "$image") / 4096 * 4096))
dotnet build benchmarks/PageFold.NbdLoad -c Release --nologo -v quiet >&2
load() { dotnet benchmarks/PageFold.NbdLoad/bin/Release/net10.0/PageFold.NbdLoad.dll "$@"; }
uri() { echo "nbd+unix:///?socket=$1"; }
wait_for() { for _ in $(seq 100); do [ -S "$1" ] && return; sleep 0.1; done; echo "nbd.sh: no server at $1" >&2; exit 1; }
start_nbdkit() { # socket, allocator
    nbdkit -f -U "$1" memory "$bytes" "allocator=$2" & servers+=($!)
    wait_for "$1"
}
start_pagefold() { # socket, options
    local socket=$1; shift
    "${pagefold[@]}" serve --unix "$socket" --size "$bytes" "$@" 2>"$socket.log" & servers+=($!)
    wait_for "$socket"
}
median() { sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }
fio_iops() { # socket, randread
    fio --name=x --ioengine=nbd --uri="$(uri "$1")" --rw="$2" --bs=4k --iodepth=$depth --time_based --runtime="$seconds" \
        --size="$bytes" --randrepeat=0 --output-format=terse 2>/dev/null |
        grep '^3;' | awk -F';' '{print $8}'
}

iops() {
    pagefold=("$root/pagefold")
    "$root/pagefold" --version >/dev/null
    start_nbdkit "$work/sparse" sparse
    start_nbdkit "$work/zstd" zstd
    start_pagefold "$work/ours" --codec lz4
    for server in sparse zstd ours; do
        nbdcopy --connections=2 "$image" "$(uri "$work/$server")"
        load write "$work/$server" "$image" 2 $depth >/dev/null
        load read "$work/$server" "$image" 2 $depth >/dev/null
    done
    declare -A figures
    for _ in $(seq "$rounds"); do
        for server in sparse zstd ours; do
            for kind in read write; do
                figures[$server-$kind]+="$(load "$kind" "$work/$server" "$image" "$seconds" $depth)"$'\n'
            done
            figures[$server-fio]+="$(fio_iops "$work/$server" randread)"$'\n'
        done
    done
    stop
    echo "Requests a second: 4 KiB at random, depth $depth, one connection, median of $rounds rounds of $seconds s in turns"
    row "" "read (fio)" "read" "write"
    for server in sparse zstd ours; do
        for kind in fio read write; do
            figures[$server-$kind]=$(printf '%s' "${figures[$server-$kind]}" | median)
        done
    done
    row "nbdkit allocator=sparse (raw)" "${figures[sparse-fio]}" "${figures[sparse-read]}" "${figures[sparse-write]}"
    row "nbdkit allocator=zstd" "${figures[zstd-fio]}" "${figures[zstd-read]}" "${figures[zstd-write]}"
    row "pagefold --codec lz4" "${figures[ours-fio]}" "${figures[ours-read]}" "${figures[ours-write]}"
    for other in sparse zstd; do
        local ratios=()
        for kind in fio read write; do ratios+=("$(ratio "${figures[ours-$kind]}" "${figures[$other-$kind]}")"); done
        row "pagefold / $other" "${ratios[@]}"
    done
}

row() { printf '%-34s %12s %12s %12s\n' "$@"; }
resident() { awk '/VmRSS/ {printf "%d", $2 / 1024}' "/proc/$1/status"; }
weigh() { # name, socket, pid, what to do before each weighing
    local loaded after
    nbdcopy --connections=2 "$image" "$(uri "$2")"
    $4 "$2"
    loaded=$(resident "$3")
    load overwrite "$2" "$image" 2 $depth >&2
    $4 "$2"
    after=$(resident "$3")
    printf '%-58s %10s %10s %10s\n' "$1" "$loaded" "$after" "$(ratio "$after" "$loaded")"
}
nothing() { :; }
recompress() {
    "${pagefold[@]}" recompress --control "$1.control" --codec zstd:19 --train 192KiB >/dev/null 2>&1
    "${pagefold[@]}" compact --control "$1.control" >/dev/null 2>&1
}
compact() { "${pagefold[@]}" compact --control "$1.control" >/dev/null 2>&1; }

memory() {
    echo "Compiling the server ahead of time ..." >&2
    dotnet publish src/PageFold.Cli/PageFold.Cli.csproj -c Release -o "$work/published" --nologo -v quiet >&2
    pagefold=("$work/published/PageFold.Cli")
    echo "Resident memory in MiB: after loading $((bytes >> 20)) MiB, and after random 4 KiB overwrites with its own content that" \
        "come to twice as much, every block verified"
    printf '%-58s %10s %10s %10s\n' "" "loaded" "after" "growth"
    start_nbdkit "$work/kit" zstd
    weigh "nbdkit allocator=zstd" "$work/kit" "${servers[-1]}" nothing
    stop
    for page in 8KiB 16KiB; do
        start_pagefold "$work/zstd-$page" --codec zstd --page-size $page --cache 512KiB
        weigh "pagefold zstd, $page pages" "$work/zstd-$page" "${servers[-1]}" compact
        stop
        start_pagefold "$work/dense-$page" --codec zstd --page-size $page --cache 512KiB
        weigh "pagefold zstd, $page, recompressed zstd:19 + dictionary" "$work/dense-$page" "${servers[-1]}" recompress
        stop
    done
}

case $what in
    iops) iops ;;
    memory) memory ;;
    all) iops; echo; memory ;;
esac
