#!/usr/bin/env bash
# Small JSON documents with a dictionary: bytes and times of fold, LZ4 and Zstandard, in turns. A minute, and half a minute a folder.
#   benchmarks/documents.sh [FOLDER...]       the objects of 200 to 1,000 bytes in the JSON files of each folder are measured too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet run -c Release --project benchmarks/PageFold.Documents -- "$@"
