#!/usr/bin/env bash
# Sums over the runs of Istio's benchmark that pass both sidecars, found a second way:
# tests/golden/benchmark_sums.sh ../shared/fixtures/loadtest/istio__tools__benchmark.csv
set -euo pipefail

awk -F, '
  NR > 1 && $3 ~ /_baseline$/ { key = $3; sub(/_baseline$/, "", key); p50[key] = $6; p90[key] = $7; p99[key] = $8 }
  NR > 1 && $3 ~ /_both$/ { both[NR] = $0; cpu += $9 + $10; memory += $12 + $13; runs++ }
  END {
    for (row in both) {
      split(both[row], field, ","); key = field[3]; sub(/_both$/, "", key)
      if (key in p50) { pairs++; a += field[6] - p50[key]; b += field[7] - p90[key]; c += field[8] - p99[key] }
    }
    print "runs " runs ", with one past the sidecars at the same load " pairs
    print "added_p50_ms " a / 1000 " added_p90_ms " b / 1000 " added_p99_ms " c / 1000
    print "data_plane_cpu_cores " cpu / 1000 " data_plane_memory_gib " memory / 1024
  }' "$1"
