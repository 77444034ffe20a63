#!/usr/bin/env bash
# Captures again what the pictures of the documents show, and draws them. For a quiet machine: the figures are those of the run.
#   eng/pictures.sh           needs script(1) and Python
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# = 0 ] || { echo "pictures.sh: takes no arguments, and '$1' is one." >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# capture NAME FROM TO COMMAND...: runs the command at a terminal of 112 columns; lines FROM to TO are left out of the picture.
capture() {
    local name=$1 from=$2 to=$3
    shift 3
    script -qec "stty cols 112 rows 60; LANG=C.UTF-8 TERM=xterm-256color $*" "$work/raw" >/dev/null
    eng/terminal-svg.py clean <"$work/raw" >"docs/pictures/$name.ansi"
    eng/terminal-svg.py draw --prompt "$*" --skip "$from" "$to" <"docs/pictures/$name.ansi" >"docs/pictures/$name.svg"
}

./pagefold --version >/dev/null
capture measure 'Compressed pages by size' 'to 4096' ./pagefold measure /usr/share /usr/lib --sample 1GiB
