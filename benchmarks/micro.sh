#!/usr/bin/env bash
# What one call costs, layer by layer, on this machine. Arguments go to BenchmarkDotNet, as in: benchmarks/micro.sh --filter '*Codec*'
# Results lie in artifacts/benchmarks afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet run -c Release --project benchmarks/PageFold.Micro -- "$@"
