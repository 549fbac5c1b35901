#!/usr/bin/env bash
# Fuzzes one target with libFuzzer: first every input of its corpus as it is, then mutations of them.
# Fails on a crash, a leak, a hang or too much memory; keeps the input and says how to run it again.
#
# Usage: run_libfuzzer.sh PROGRAM FILE_OR_FOLDER... --words [SOURCE...]    (CMakeLists.txt calls it)
#   PROGRAM   a target linked with libFuzzer; what it finds lies in the folder PROGRAM.work
#   SOURCE    its words in quotes are inserted into inputs
# Environment: QUIRE_FUZZ_SECONDS, how long mutations are tried (default: 10); QUIRE_FUZZ_AT_MOST, for this
# target at most so long.
set -euo pipefail

program=$1
shift
name=$(basename "$program")
work=$program.work
seconds=${QUIRE_FUZZ_SECONDS:-10}
most=${QUIRE_FUZZ_AT_MOST:-$seconds}
[ "$seconds" -le "$most" ] || seconds=$most
mkdir -p "$work/found" "$work/failures"

# libFuzzer takes folders, or files, but not both. What is absent is third-party data.
seeds=()
while [ "$1" != --words ]; do
  [ ! -e "$1" ] || mapfile -t -O ${#seeds[@]} seeds < <(find "$1" -type f | sort)
  shift
done
shift
[ ${#seeds[@]} -gt 0 ] || { echo "fuzz: wanted a corpus, have no files" >&2; exit 1; }
(IFS=,; echo "${seeds[*]}") >"$work/seeds"
grep -hv '^#include' "$@" /dev/null | grep -oE '"[][!#-[^-~ ]{2,40}"' | grep -vE '  |: ' |
  sort -u >"$work/dict" || true

export ASAN_OPTIONS=quarantine_size_mb=16
export UBSAN_OPTIONS=print_stacktrace=1
# The targets write their input to a file.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

# An instrumented target takes several times as long and as much memory as in a release build, and
# shares its core with others: what takes one second there may take five here.
limits=(-artifact_prefix="$work/failures/" -max_len=65536 -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=512)
started=$(mktemp)
trap 'rm -f "$started"' EXIT
fail() {
  local input
  input=$(find "$work/failures" -type f -newer "$started" | head -n 1)
  echo "fuzz: $name failed${input:+ on $input}"
  echo "fuzz: to run it again: $program ${input:-FILE}"
  exit 1
}
"$program" "${limits[@]}" "${seeds[@]}" >"$work/replay.log" 2>&1 || {
  tail -n 60 "$work/replay.log"
  fail
}
echo "fuzz: $name: ${#seeds[@]} inputs of the corpus replayed"
[ "$seconds" -gt 0 ] || exit 0
dictionary=()
[ ! -s "$work/dict" ] || dictionary=(-dict="$work/dict")
"$program" "${limits[@]}" -max_total_time="$seconds" -use_value_profile=1 -reload=0 \
  -print_final_stats=1 "${dictionary[@]}" -seed_inputs="@$work/seeds" "$work/found" \
  >"$work/fuzz.log" 2>&1 || {
  tail -n 60 "$work/fuzz.log"
  fail
}
grep -E 'DONE|stat::(number_of|new_units|peak)' "$work/fuzz.log" || true
