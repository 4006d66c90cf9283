#!/usr/bin/env bash
# Real etcd, real faults, for half an hour: what the tests named `chaos` do in
# seconds, for longer, with faults of up to a minute. Prints a line a minute for
# each scenario, with its seed. A real Prometheus with the alerts of
# deploy/prometheus looks at every carry meanwhile: in the end stands which were
# pending and which fired, and whether that is as it should be.
#
#   tests/chaos.sh            30 minutes
#   tests/chaos.sh 10         10 minutes
#   tests/chaos.sh 10 kills   of one scenario: its name is part of a test's path
#
# CARRY_CHAOS_SEED       the seed (default: another one each time)
# CARRY_TEST_PROMETHEUS  a Prometheus (default: unpacked into the user's cache)
# CARRY_TEST_BINARY, CARRY_TEST_PROGRAM  what is already built, see tests/run.sh
#
# Where something is wrong, the whole output is left in target/chaos, and what
# Prometheus has seen beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-30}
only=${2:-}
export CARRY_CHAOS_SEED=${CARRY_CHAOS_SEED:-$((RANDOM * 32768 + RANDOM))}

# As many beside each other as there are processors; each needs some time
# besides its faults, most of it until the last alert has ended.
scenarios=$(grep -c '^#\[tokio::test' tests/mirror/chaos/*.rs | grep -c ':[1-9]')
if [ -n "$only" ]; then scenarios=1; fi
threads=$(($(nproc) < scenarios ? $(nproc) : scenarios))
each=$((minutes * 60 * threads / scenarios - 60))
export CARRY_CHAOS_SECONDS=$((each > 6 ? each : 6))

mkdir -p target/chaos
log=target/chaos/$CARRY_CHAOS_SEED.log
export CARRY_CHAOS_ALERTS=$PWD/target/chaos/$CARRY_CHAOS_SEED.prometheus
rm -rf "$CARRY_CHAOS_ALERTS"
echo "chaos: CARRY_CHAOS_SEED=$CARRY_CHAOS_SEED, $CARRY_CHAOS_SECONDS s for each of $scenarios, $threads at a time"
good=yes
tests/run.sh "mirror::chaos::$only" --nocapture --test-threads="$threads" 2>&1 |
    tee "$log" | grep --line-buffered -E '^(chaos|test mirror)' || good=
echo "chaos: the alerts of each scenario:"
grep -E '^chaos [a-z]+ alerts: ' "$log" | sort || echo "chaos: no alerts were looked at: there is no Prometheus"
if [ -z "$good" ]; then
    echo "chaos: failed, seed $CARRY_CHAOS_SEED; everything is in $log" >&2
    exit 1
fi
rm -rf "$log" "$CARRY_CHAOS_ALERTS"
echo "chaos: all is well"
