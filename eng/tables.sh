#!/usr/bin/env bash
# Trains the built-in tables of the codec "fold" again, and prints on what, and what they give on data that was held out.
#   eng/tables.sh [OUTPUT]     OUTPUT: where the tables go; those of the library by default
# Half of the samples are files below /usr/share and /usr/lib (those whose path has an even hash), half are memory of programs that it
# starts. It takes some minutes and a few GiB of memory, and needs Linux, python3, perl and the right to read its children's memory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in -*) echo "tables.sh: there is no option $1; the only argument is a folder for the tables." >&2; exit 2 ;; esac
output=${1:-src/PageFold/Compression/Fold/Tables}
project=eng/PageFold.Tables
dotnet build $project -c Release --nologo -v quiet
roslyn=$(dotnet msbuild $project --nologo -getProperty:RoslynTargetsPath)
exec $project/bin/Release/net10.0/PageFold.Tables "$output" "$roslyn" src/PageFold
