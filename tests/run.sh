#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
# Usage: tests/run.sh [STAGE...]       all stages but gpu if none is named
#   release   everything, with optimization; all tests but those that need a GPU
#   asan      what does not link gRPC, with AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan      the threads of kernels, engine and store, with ThreadSanitizer
#   fuzz      the parsers of model files under libFuzzer with AddressSanitizer and
#             UndefinedBehaviorSanitizer; without clang under a driver of our own
#   cuda      compiles and links the CUDA kernels; left out where there is no nvcc
#   gpu       compiles them as they are shipped and links the programs for a bare GPU machine: no kernel
#             may spill registers, no program need a library; whole models in the emulator
#
# Environment: QUIRE_JOBS, jobs of build and tests (default: the number of cores); QUIRE_FUZZ_SECONDS,
# how long each target of the fuzz stage runs (default: 60); QUIRE_CUDA_ARCHITECTURES, what the stages
# cuda (default: 80-real, the first) and gpu (default: 80-real;90a-real, the first and the last) compile
# for.
# Ends with a table of stages (seconds that passed, and seconds of all cores) and the closing lines of each
# test run; fails if a stage failed.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
jobs=${QUIRE_JOBS:-$(nproc)}
# Compilations are shared between checkouts, wherever they lie.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
logs=build/test-logs
stages=(release asan tsan fuzz cuda)
known=("${stages[@]}" gpu)

case "${1:-}" in
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
    exit 0
    ;;
esac
for stage in "$@"; do
  if [[ ! " ${known[*]} " == *" $stage "* ]]; then
    echo "run.sh: no stage '$stage'; stages are: ${known[*]}" >&2
    exit 2
  fi
done
[ $# -gt 0 ] && stages=("$@")

# --- set-up ------------------------------------------------------------------------------------

mkdir -p "$logs"
rm -f "$logs"/*.log
started=$SECONDS
deploy/install_dependencies.sh --fuzzing || deploy/install_dependencies.sh || exit 1
if model=$(deploy/fetch_model.sh all-MiniLM-L6-v2); then
  export QUIRE_TEST_MINILM=$model
else
  echo "run.sh: no all-MiniLM-L6-v2: the tests that need it are skipped and say so" >&2
fi
if command -v clang-format >/dev/null; then
  git ls-files '*.h' '*.cc' '*.cu' '*.cuh' | xargs -r clang-format --dry-run 2>"$logs/format.log"
  unformatted=$(grep -c 'clang-format-violations' "$logs/format.log")
  [ "$unformatted" -eq 0 ] || echo "run.sh: warning: $unformatted places are not as clang-format" \
    "would write them: $logs/format.log" >&2
fi
setup_seconds=$((SECONDS - started))

# --- stages ------------------------------------------------------------------------------------

# configure PRESET [OPTION...]
configure() {
  cmake --preset "$@" >"$logs/$1-configure.log" 2>&1 || {
    tail -n 30 "$logs/$1-configure.log"
    return 1
  }
}

# build PRESET [TARGET...]: configures and builds.
build() {
  local preset=$1
  shift
  configure "$preset" || return 1
  echo "building preset $preset ${1:+($# targets) }into build/$preset"
  cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"} >"$logs/$preset-build.log" 2>&1 || {
    grep -E -A 12 '^FAILED|error:' "$logs/$preset-build.log" | head -n 80
    echo "run.sh: build of preset $preset failed: $logs/$preset-build.log"
    return 1
  }
}

# run_tests PRESET [CTEST ARGUMENT...]: tests, with ctest's own output kept for the summary.
run_tests() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@" \
    2>&1 | tee "$logs/$stage-tests.log"
}

# test_programs PRESET [CTEST FILTER...]: the build targets of the tests that the filter selects. A
# test program has the name of its test; ctest tells no command of one that is not built yet.
test_programs() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --show-only=json-v1 "$@" 2>/dev/null | /usr/bin/python3 -c '
import json, os, sys
for test in json.load(sys.stdin)["tests"]:
    names = [os.path.basename(word) for word in test.get("command", [test["name"]])[:2]]
    if test["name"] in names:
        print(test["name"])'
}

# build_and_test_selected PRESET [CTEST FILTER...]: builds the programs of these tests; runs the tests.
build_and_test_selected() {
  local preset=$1 programs
  shift
  configure "$preset" || return 1
  mapfile -t programs < <(test_programs "$preset" "$@")
  [ ${#programs[@]} -gt 0 ] || return 1
  build "$preset" "${programs[@]}" && run_tests "$preset" "$@"
}

# Each target for a while, as many at a time as there are cores.
fuzz() {
  export QUIRE_FUZZ_SECONDS=${QUIRE_FUZZ_SECONDS:-60}
  local preset=fuzz
  command -v clang++-14 >/dev/null || {
    echo "run.sh: no clang-14: the fuzz targets run under their own driver, which no coverage guides"
    preset=asan
  }
  build_and_test_selected "$preset" -R '^fuzz_'
}

# The CUDA kernels, compiled for the oldest architecture (no code asks which it is) and without
# optimizing what they become: that takes most of the time, and the stage gpu does it.
build_cuda_if_possible() {
  if ! command -v nvcc >/dev/null; then
    echo "run.sh: no nvcc: the CUDA kernels are not compiled"
    return
  fi
  configure cuda -DCMAKE_CUDA_FLAGS="-Xptxas -O0" \
    -DQUIRE_CUDA_ARCHITECTURES="${QUIRE_CUDA_ARCHITECTURES:-80-real}" &&
    build cuda quire_kernels kernels_conformance_test
}

build_gpu_programs() {
  configure gpu -DQUIRE_CUDA_ARCHITECTURES="${QUIRE_CUDA_ARCHITECTURES:-80-real;90a-real}" &&
    build gpu quire_cli_program quire_gpu_tests quire_gpu_bench &&
    tests/gpu/check_spills.py build/gpu tests/gpu/spill_exceptions.txt &&
    run_tests gpu -R '^gpu_programs_are_portable$' &&
    build release cuda_golden_test && run_tests release -L emulated
}

run_stage() {
  case $1 in
    release) build release && run_tests release -LE 'gpu|emulated' ;;
    # The fuzz targets have a stage of their own.
    asan) build_and_test_selected asan -LE 'gpu|slow|grpc|structure' -E '^fuzz_' ;;
    # gRPC, RocksDB and OpenMP are not built for ThreadSanitizer and report races of their own.
    tsan) build_and_test_selected tsan -L unit -LE 'gpu|slow|grpc|structure' \
      -R '^(base|kernels_unit|engine)_test$' ;;
    fuzz) fuzz ;;
    cuda) build_cuda_if_possible ;;
    gpu) build_gpu_programs ;;
  esac
}

# --- run and report ----------------------------------------------------------------------------

# Seconds that this script's children have computed, in $computed.
count_computed() {
  times >"$logs/times"
  computed=$(tail -n 1 "$logs/times" | awk '{
    for (i = 1; i <= NF; ++i) { split($i, part, "m"); sum += part[1] * 60 + part[2] }
    printf "%d", sum
  }')
}

failed=0
summary=$(printf '%-9s %6s s' set-up "$setup_seconds")
for stage in "${stages[@]}"; do
  echo "=== $stage"
  started=$SECONDS
  count_computed
  before=$computed
  if run_stage "$stage"; then
    result=passed
  else
    result=FAILED
    failed=1
  fi
  count_computed
  summary+=$(printf '\n%-9s %6s s %6s s of cores  %s' "$stage" $((SECONDS - started)) \
    $((computed - before)) "$result")
done

echo "=== summary"
echo "$summary"
for stage in "${stages[@]}"; do
  if [ -f "$logs/$stage-tests.log" ]; then
    echo "--- $stage"
    sed -n '/tests passed,/,$p' "$logs/$stage-tests.log"
  fi
done
exit $failed
