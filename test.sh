#!/usr/bin/env bash
# Installs what the tests need and runs them all. Arguments go to `dotnet test`, as in: ./test.sh --filter FullyQualifiedName~ZsPool
#   ./test.sh --long [--short] [--seed N] [NAME...]   runs campaigns instead, all or those named: tests that take up to an hour each, or a
#   few minutes in the short form
#   ./test.sh --long --list                           lists the campaigns
# A campaign is an executable file of tests/campaigns that also runs alone. Its output is kept in artifacts/campaigns/NAME.log, its verdict
# in artifacts/campaigns/verdicts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

case " $* " in *" --help "* | *" -h "*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;; esac

campaigns() { local file; for file in tests/campaigns/*.sh; do [ ! -x "$file" ] || basename "$file" .sh; done; }
long=0
short=()
seed=1
names=()
if [ "${1:-}" = --long ]; then
    long=1
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            --list)
                for name in $(campaigns); do printf '%-12s %s\n' "$name" "$(sed -n '2s/^# //p' "tests/campaigns/$name.sh")"; done
                exit 0
                ;;
            --short) short=(--short) ;;
            --seed)
                [[ ${2:-} =~ ^[0-9]{1,9}$ ]] || { echo "test.sh: --seed wants a number, not '${2:-}'." >&2; exit 2; }
                seed=$2
                shift
                ;;
            *)
                [ -x "tests/campaigns/$1.sh" ] || {
                    echo "test.sh: there is no campaign '$1'; the campaigns are: $(campaigns | paste -sd ' ')." >&2
                    exit 2
                }
                names+=("$1")
                ;;
        esac
        shift
    done
    [ ${#names[@]} -gt 0 ] || mapfile -t names < <(campaigns)
fi
command -v dotnet >/dev/null || {
    echo "test.sh: the .NET 10 SDK is not on the PATH; install it from your system's packages or Microsoft's." >&2
    exit 2
}

# Compiling ahead of time needs a C compiler and zlib; one test runs as another user; the NBD server is tested with other clients;
# recorded traces of requests are compressed by xz.
missing=()
command -v gcc >/dev/null || command -v clang >/dev/null || missing+=(gcc libc6-dev)
[ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
command -v setpriv >/dev/null || missing+=(util-linux)
programs=(
    nbdinfo:libnbd-bin nbdsh:python3-libnbd qemu-io:qemu-utils fio:fio mkfs.ext4:e2fsprogs debugfs:e2fsprogs nbdkit:nbdkit xz:xz-utils
)
# The campaign "guest" boots a kernel, and runs a C program in it; "units" boots systemd.
[ $long = 0 ] || programs+=(
    linux.uml:user-mode-linux libslirp-helper:libslirp-helper nbd-client:nbd-client busybox:busybox-static sysctl:procps
    gcc:gcc gcc:libc6-dev python3:python3 systemctl:systemd git:git curl:curl
)
for program in "${programs[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ $long = 0 ]; then
    # Without the analyzers, which take half of the time; a build of PageFold.slnx runs them.
    dotnet build tests/Tests.slnx -c Release --nologo -v quiet -p:RunAnalyzers=false
    rm -rf artifacts/test-results
    status=0
    dotnet test tests/Tests.slnx -c Release --no-build --nologo --logger "console;verbosity=minimal" --logger "trx" \
        --results-directory artifacts/test-results "$@" || status=$?
    # A filter that matches nothing is no error for dotnet test.
    grep -qs '<UnitTestResult ' artifacts/test-results/*.trx || { echo "test.sh: no test has run; check the filter: $*" >&2; exit 2; }
    exit $status
fi

# One after another, because each may use the whole machine. A campaign that hangs has failed.
[ ${#short[@]} -gt 0 ] && limit=${CAMPAIGN_SECONDS:-600} || limit=${CAMPAIGN_SECONDS:-3900}
mkdir -p artifacts/campaigns
: >artifacts/campaigns/verdicts
failed=0
running=""
trap '[ -z "$running" ] || kill "$running" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in "${names[@]}"; do
    echo "== $name ${short[*]} --seed $seed (at most $limit s)"
    log=artifacts/campaigns/$name.log
    begun=$SECONDS
    # The campaign cleans up when it is terminated; half a minute later it is killed.
    timeout --kill-after=30 "$limit" "tests/campaigns/$name.sh" "${short[@]}" --seed "$seed" > >(tee "$log") 2>&1 </dev/null &
    running=$!
    status=0
    wait "$running" || status=$?
    running=""
    case $status in
        0) verdict=PASS ;;
        124 | 137) verdict=FAIL; echo "FAIL $name: not ended within $limit s" ;;
        *) verdict=FAIL ;;
    esac
    [ $verdict = PASS ] || failed=$((failed + 1))
    echo "$verdict $name $((SECONDS - begun)) s" >>artifacts/campaigns/verdicts
done
echo "== campaigns, seed $seed"
cat artifacts/campaigns/verdicts
[ $failed = 0 ]
