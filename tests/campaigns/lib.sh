# The common parts of the campaigns in this folder: options, programs they need, a folder for their files, servers, the verdict, control
# groups. Each campaign sources it after setting its name in `campaign`.
# A campaign ends what it started by its process number, and leaves nothing behind.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 2
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C
short=0
seed=1
work=""
started=()
groups=()

say() { printf '%s: %s\n' "$campaign" "$*"; }
# Ends a campaign that cannot continue.
fail() { printf 'FAIL %s: %s\n' "$campaign" "$*"; exit 1; }
pass() { printf 'PASS %s: %s\n' "$campaign" "$*"; exit 0; }
misuse() { printf '%s: %s\n' "$campaign" "$*" >&2; exit 2; }

# options [NAME...] -- ARGUMENT...: --short and --seed N for all campaigns; each NAME is an option with a number, kept in the variable of
# that name (with _ for -).
options() {
    local names=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do names+=("$1"); shift; done
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --short) short=1; shift; continue ;;
            --seed | --*)
                [[ " seed ${names[*]} " == *" ${1#--} "* ]] ||
                    misuse "there is no option $1; the options are --short --seed N ${names[*]/#/--}" ;;
            *) misuse "'$1' is no option; the options are --short --seed N ${names[*]/#/--}" ;;
        esac
        [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || misuse "$1 wants a number, not '${2:-}'"
        printf -v "$(tr - _ <<<"${1#--}")" %s "$2"
        shift 2
    done
    say "seed $seed$([ $short = 0 ] || echo ", short form")"
}

# needs PROGRAM:PACKAGE...: a campaign that lacks a program fails; it is never skipped.
needs() {
    local pair missing=()
    for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}"); done
    [ ${#missing[@]} = 0 ] || fail "needs the Debian packages ${missing[*]}; ./test.sh --long installs them"
}

# All files of a campaign are in $work, which is removed at the end. A campaign that has more to clean up defines left_behind.
begin() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/pagefold-$campaign.XXXXXX")
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

finish() {
    local status=$? pid group
    trap - EXIT INT TERM
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${started[@]}"; do gone "$pid" 15 || kill -KILL "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
    ! declare -F left_behind >/dev/null || left_behind
    for group in "${groups[@]}"; do remove_group "$group"; done
    [ -z "$work" ] || rm -rf "$work"
    exit $status
}

# gone PID SECONDS: waits for a process to end, at most so long.
gone() {
    local tenths=$(($2 * 10))
    while kill -0 "$1" 2>/dev/null; do
        [ $((tenths--)) -gt 0 ] || return 1
        sleep 0.1
    done
}

# The command of this tree; built once, so that no build runs within what is measured.
build_command() { ./pagefold --version >/dev/null || fail "the command does not build"; }
pagefold() { dotnet "$root/src/PageFold.Cli/bin/Release/net10.0/PageFold.Cli.dll" "$@"; }

# The command compiled ahead of time to one native program, whose path is in $program; the output of the compiler is in $work/compile.log.
# Kept in artifacts/ahead, beside the managed build, so that the next campaign that needs it compiles only what has changed.
compile_command() {
    say "Compiling ahead of time ..."
    dotnet publish src/PageFold.Cli/PageFold.Cli.csproj -c Release --artifacts-path "$root/artifacts/ahead" -o "$work/out" \
        --nologo -v quiet >"$work/compile.log" 2>&1 </dev/null || fail "the command does not compile: $(tail -n 3 "$work/compile.log")"
    program=$work/out/PageFold.Cli
}

# start_server LOG OPTION...: starts `pagefold serve` and returns when it serves, with its process number in $server. Set `within` to a
# command that runs it, for example in a control group, and `served_by` to the program that serves.
within=()
served_by=(dotnet "$root/src/PageFold.Cli/bin/Release/net10.0/PageFold.Cli.dll")
start_server() {
    local log=$1 i
    shift
    # Emptied before the wait reads it: an earlier server may have written to it.
    : >"$log"
    "${within[@]}" "${served_by[@]}" serve "$@" 2>"$log" &
    server=$!
    started+=("$server")
    for ((i = 0; i < 600; i++)); do
        ! grep -aq "serving at" "$log" || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    fail "pagefold serve $* does not serve: $(tail -n 3 "$log")"
}

# end_server [SIGNAL]: ends the server of start_server, and returns its exit code.
end_server() {
    local pid left=()
    for pid in "${started[@]}"; do [ "$pid" = "$server" ] || left+=("$pid"); done
    # The shell reports a killed job on its standard error.
    {
        kill "-${1:-TERM}" "$server"
        gone "$server" 60 || { kill -KILL "$server"; fail "the server did not end within a minute of SIG${1:-TERM}"; }
        started=("${left[@]}")
        wait "$server"
    } 2>/dev/null
}

# figure CONTROL PATH...: numbers of `pagefold stat --json`, as in: figure "$control" exports.0.pages residentBytes. Nothing where no server
# answers.
figure() {
    local control=$1
    shift
    pagefold stat --control "$control" --json 2>/dev/null | python3 -c '
import json, sys
found = []
text = sys.stdin.read()
if not text:
    sys.exit(1)
for path in sys.argv[1:]:
    node = json.loads(text)
    for part in path.split("."):
        node = node[int(part)] if isinstance(node, list) else node[part]
    found.append(str(int(node)))
print(*found)' "$@"
}

# Control groups, of version 1 and of version 2. A group has a memory limit, and as much swap as the limit says: none.
#   make_group NAME BYTES      makes one; its folder is in $group. Fails with exit code 1 where this process may make none.
#   in_group GROUP COMMAND...  runs a command in it, as in: in_group "$group" pagefold serve ... &
#   group_peak GROUP           the most bytes it ever held
#   group_kills GROUP          how many of its processes the kernel killed for want of memory
make_group() {
    local parent version=2
    if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
        version=1
        parent=/sys/fs/cgroup/memory$(awk -F: '$2 ~ /(^|,)memory(,|$)/ {print $3}' /proc/self/cgroup)
        [ -d "$parent" ] || parent=/sys/fs/cgroup/memory
    else
        # A group with processes of its own cannot give a controller to its children, except the root: in a container that is where this
        # process is.
        parent=$(make_group_parent) || return 1
    fi
    group=${parent%/}/pagefold-$1-$$
    mkdir "$group" 2>/dev/null || return 1
    groups+=("$group")
    if [ $version = 1 ]; then
        # The limit of memory with swap may not be below that of memory; where swap is not accounted, swappiness keeps the group in memory.
        echo "$2" >"$group/memory.limit_in_bytes" && echo 0 >"$group/memory.swappiness" || return 1
        [ ! -e "$group/memory.memsw.limit_in_bytes" ] || echo "$2" >"$group/memory.memsw.limit_in_bytes"
    else
        [ -e "$group/memory.max" ] || return 1
        echo "$2" >"$group/memory.max" || return 1
        [ ! -e "$group/memory.swap.max" ] || echo 0 >"$group/memory.swap.max"
    fi
}

# Version 2: the nearest group, upwards from this process's own, that gives or can be made to give the memory controller to its children.
make_group_parent() {
    local mount path
    mount=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/self/mounts)
    [ -n "$mount" ] || return 1
    path=$(awk -F: '$1 == 0 {print $3}' /proc/self/cgroup)
    while :; do
        path=${path%/}
        if [ -w "$mount$path/cgroup.subtree_control" ] && grep -qw memory "$mount$path/cgroup.controllers"; then
            if grep -qw memory "$mount$path/cgroup.subtree_control" || echo +memory >"$mount$path/cgroup.subtree_control"; then
                echo "$mount$path"
                return 0
            fi
        fi 2>/dev/null
        [ -n "$path" ] || return 1
        path=${path%/*}
    done
}

in_group() {
    local group=$1
    shift
    # The child enters the group before it becomes the command, so that all of the command's memory counts.
    exec bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}

group_peak() {
    local file
    for file in memory.max_usage_in_bytes memory.peak; do [ ! -r "$1/$file" ] || { cat "$1/$file"; return; }; done
    # Kernels before 5.19 keep no peak in version 2.
    cat "$1/memory.current"
}

group_kills() { cat "$1/memory.oom_control" "$1/memory.events" 2>/dev/null | awk '$1 == "oom_kill" {n = $2} END {print n + 0}'; }

remove_group() {
    local pid i
    for pid in $(cat "$1/cgroup.procs" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
    for ((i = 0; i < 50; i++)); do rmdir "$1" 2>/dev/null && return; [ -d "$1" ] || return; sleep 0.1; done
}
