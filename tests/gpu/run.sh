#!/usr/bin/env bash
# Checks and measures the CUDA backend on this machine: conformance of every operation, golden models,
# compute-sanitizer over the small cases where it is installed, then the benchmark table.
#
# Usage: tests/gpu/run.sh [BIN [OUT]]
#   BIN  folder with quire_gpu_tests, quire_gpu_bench and quire (default: build/gpu/bin)
#   OUT  where the logs, the benchmark table and its JSON go (default: build/gpu-results)
# Environment: QUIRE_GPU_SKIP, words of "sanitizer bench torch" to leave out; QUIRE_TEST_MINILM.
# Runs in a checkout: the golden models are in it and, for stories260k, in ../shared/data.
# Exit status: 0 if a CUDA device is there and everything that ran was correct.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build/gpu/bin}
out=${2:-build/gpu-results}
skip=" ${QUIRE_GPU_SKIP:-} "
mkdir -p "$out"
failed=0
summary=()

# step NAME COMMAND...: runs with a log of its own.
step() {
  local name=$1 started=$SECONDS result=passed
  shift
  echo "=== $name: $*"
  "$@" >"$out/$name.log" 2>&1 || {
    result="FAILED ($?)"
    failed=1
    tail -n 40 "$out/$name.log"
  }
  summary+=("$(printf '%-12s %5s s  %s' "$name" $((SECONDS - started)) "$result")")
}

# tests NAME FILTER: of the test program, which must select something.
tests() {
  local found
  found=$("$bin/quire_gpu_tests" --gtest_list_tests --gtest_filter="$2" | grep -c '^  ')
  if [ "$found" -eq 0 ]; then
    echo "=== $1: no test is called $2: is there a CUDA device?"
    summary+=("$(printf '%-12s %5s s  %s' "$1" 0 'FAILED (nothing ran)')")
    failed=1
    return
  fi
  step "$1" "$bin/quire_gpu_tests" --gtest_filter="$2" --gtest_output="xml:$out/$1.xml"
}

nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm --format=csv 2>&1 | tee "$out/gpu.csv"

# A new seed each time: inputs that no kernel was written against.
export QUIRE_TEST_SEED=${QUIRE_TEST_SEED:-$(date +%s)}
echo "inputs from seed $QUIRE_TEST_SEED"
operations=
for suite in Linear QuantizedLinear Rows Rope StoreKv PagedAttention EncoderAttention AttentionInvariance; do
  operations+="*/${suite}Test.*cuda*:"
done
tests conformance "$operations"
tests golden "*cuda*-$operations"

if [[ $skip != *" sanitizer "* ]] && command -v compute-sanitizer >/dev/null; then
  # Small cases: the sanitizer takes a hundred times as long.
  small="*NoTokens*cuda*:*AddsBias*cuda*:*OfEveryKind*cuda*:*LookedUpRows*cuda*:*OddSizes*cuda*"
  for tool in memcheck racecheck; do
    step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 "$bin/quire_gpu_tests" \
      --gtest_filter="$small"
  done
else
  summary+=("$(printf '%-12s %5s s  %s' sanitizer 0 'not run: no compute-sanitizer, or left out')")
fi

if [[ $skip != *" bench "* ]]; then
  step bench "$bin/quire_gpu_bench" --json "$out/bench.json"
  cat "$out/bench.log"
fi
if [[ $skip != *" torch "* ]] && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  step torch python3 tests/gpu/compare_torch.py --bench "$out/bench.json" --json "$out/torch.json"
  cat "$out/torch.log"
fi

echo "=== summary"
printf '%s\n' "${summary[@]}"
exit $failed
