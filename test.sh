#!/usr/bin/env bash
# Installs what the tests need and runs them all. Arguments go to `dotnet test`, as in: ./test.sh --filter FullyQualifiedName~ZsPool
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command -v dotnet >/dev/null || { echo "test.sh: the .NET 10 SDK is not on the PATH; install it from your system's packages or Microsoft's." >&2; exit 2; }

# Compiling ahead of time needs a C compiler and zlib; one test runs as another user; the NBD server is tested with the clients of others.
missing=()
command -v gcc >/dev/null || command -v clang >/dev/null || missing+=(gcc libc6-dev)
[ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
command -v setpriv >/dev/null || missing+=(util-linux)
for client in nbdinfo:libnbd-bin nbdsh:python3-libnbd qemu-io:qemu-utils fio:fio mkfs.ext4:e2fsprogs debugfs:e2fsprogs nbdkit:nbdkit; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${client%%:*}" >/dev/null || missing+=("${client##*:}")
done
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

dotnet build PageFold.slnx -c Release --nologo -v quiet
exec dotnet test PageFold.slnx -c Release --no-build --nologo --logger "console;verbosity=minimal" --logger "trx" --results-directory artifacts/test-results "$@"
