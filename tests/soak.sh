#!/usr/bin/env bash
# A steady load for an hour: a live standby of a busy cluster that does not grow,
# in which nothing goes wrong. Prints a line a minute, and in the end whether
# carry's memory, file descriptors and RocksDB stayed as they were, and both sides
# are equal. Exit code 1 where not.
#
#   tests/soak.sh            60 minutes, 500 writes a second
#   tests/soak.sh 240 1000   four hours, 1,000 writes a second
#
# CARRY_SOAK_KEYS    how many keys are written to (default: 20000)
# CARRY_TEST_BINARY, CARRY_TEST_PROGRAM  what is already built, see tests/run.sh
#
# All samples, one in 10 seconds, are left in target/soak as CSV, and so is the
# whole output.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-60}
export CARRY_SOAK_RATE=${2:-500}
export CARRY_SOAK_KEYS=${CARRY_SOAK_KEYS:-20000}
export CARRY_SOAK_SECONDS=$((minutes * 60))

mkdir -p target/soak
name=target/soak/$(date -u +%Y%m%dT%H%M%SZ)
export CARRY_SOAK_CSV=$PWD/$name.csv
if tests/run.sh mirror::soak::a_steady_load --nocapture 2>&1 |
    tee "$name.log" | grep --line-buffered '^soak'; then
    echo "soak: all is well; the samples are in $name.csv"
else
    echo "soak: failed; everything is in $name.log, the samples in $name.csv" >&2
    exit 1
fi
