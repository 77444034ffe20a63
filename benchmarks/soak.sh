#!/usr/bin/env bash
# Ten minutes (or as many seconds as the first argument says) of mixed store, load, discard and compact on all cores under a tight limit;
# with "windows", a minute (or the seconds that follow) of straddling objects mapped through windows, verified and unmapped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/PageFold.Soak"
dotnet build -c Release --nologo -v quiet
exec dotnet bin/Release/net10.0/PageFold.Soak.dll "$@"
