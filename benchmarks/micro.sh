#!/usr/bin/env bash
# The cost of single calls, layer by layer, on this machine. Arguments go to BenchmarkDotNet, as in: benchmarks/micro.sh --filter '*Codec*'
# The results are in artifacts/benchmarks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet run -c Release --project benchmarks/PageFold.Micro -- "$@"
