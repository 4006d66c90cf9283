#!/usr/bin/env bash
# Real etcd, real faults, for half an hour: what the tests named `chaos` do in
# seconds, for longer, with faults of up to a minute. Prints a line a minute for
# each scenario, with its seed.
#
#   tests/chaos.sh            30 minutes
#   tests/chaos.sh 10         10 minutes
#   tests/chaos.sh 10 kills   of one scenario: its name is part of a test's path
#
# CARRY_CHAOS_SEED   the seed (default: another one each time)
#
# Where something is wrong, the whole output is left in target/chaos.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-30}
only=${2:-}
export CARRY_CHAOS_SEED=${CARRY_CHAOS_SEED:-$((RANDOM * 32768 + RANDOM))}

# As many beside each other as there are processors; each needs some time
# besides its faults.
scenarios=$(grep -c '^#\[tokio::test' tests/mirror/chaos/*.rs | grep -c ':[1-9]')
if [ -n "$only" ]; then scenarios=1; fi
threads=$(($(nproc) < scenarios ? $(nproc) : scenarios))
each=$((minutes * 60 * threads / scenarios - 20))
export CARRY_CHAOS_SECONDS=$((each > 6 ? each : 6))

mkdir -p target/chaos
log=target/chaos/$CARRY_CHAOS_SEED.log
echo "chaos: CARRY_CHAOS_SEED=$CARRY_CHAOS_SEED, $CARRY_CHAOS_SECONDS s for each of $scenarios, $threads at a time"
if tests/run.sh "mirror::chaos::$only" --nocapture --test-threads="$threads" 2>&1 |
    tee "$log" | grep --line-buffered -E '^(chaos|test mirror)'; then
    rm -f "$log"
    echo "chaos: all is well"
else
    echo "chaos: failed, seed $CARRY_CHAOS_SEED; everything is in $log" >&2
    exit 1
fi
