#!/usr/bin/env bash
# Trains quire-mini on one GPU in two commands of less than ten minutes, then quantizes and scores it.
#
# Usage: gpu.sh PHASE [WORK_DIR]      WORK_DIR: default build/quire-mini
#   PHASE first    makes the data of all stages and trains the stages copy and read (9 minutes)
#   PHASE second   trains the stages answer and final, from what `first` left (9 minutes)
#   PHASE finish   quantizes, scores bf16 and NF4 (about 4 minutes)
# Each phase leaves its checkpoints in WORK_DIR/checkpoints, bf16, in shards of at most 16 MiB; with OUT
# set, the newest is copied there too. Needs Python with torch and numpy, no network. PYTHON names it,
# QUIRE_TEXT the text (default: shared/data/text in the repository or beside it).
set -euo pipefail

here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../../..")
phase=${1:?usage: gpu.sh first|second|finish [WORK_DIR]}
work=$(realpath -m "${2:-$root/build/quire-mini}")
python=${PYTHON:-python3}
text=${QUIRE_TEXT:-$root/shared/data/text}
[ -d "$text" ] || text=$root/../shared/data/text
tokenizer=$here/tokenizer
cd "$here"
mkdir -p "$work"

compile=()
"$python" -c 'import torch; torch.compile(lambda x: 2 * x)(torch.ones(8, device="cuda"))' 2>"$work/compile.log" ||
  { echo "gpu.sh: no compiler for torch.compile ($work/compile.log), training without" >&2; compile=(--no-compile); }

train() {
  "$python" train.py --recipe gpu --data "$work/data" --tokenizer "$tokenizer" --out "$work/checkpoints" \
    "${compile[@]}" "$@" | tee -a "$work/train.log"
}
# keep NAME: leaves checkpoint NAME where the caller collects files.
keep() { [ -z "${OUT:-}" ] || cp -r "$work/$1" "$OUT/"; }

case $phase in
  first)
    "$python" make_data.py --recipe gpu --text "$text" --tokenizer "$tokenizer" --out "$work/data" \
      --processes "$(($(nproc) > 3 ? $(nproc) - 2 : 1))" >"$work/data.log" 2>&1 &
    maker=$!
    train --minutes 7 --stage copy --stage read
    wait "$maker"
    cat "$work/data.log"
    keep checkpoints/read
    ;;
  second)
    train --minutes 8.5 --from "$work/checkpoints/read" --stage answer --stage final
    keep checkpoints/final
    ;;
  finish)
    "$python" quantize.py "$work/checkpoints/final" "$work/model"
    for model in checkpoints/final model; do
      echo "$model"
      "$python" evaluate.py "$work/$model" --questions 200 --text "$text"
    done | tee "$work/scores.jsonl"
    keep model
    ;;
  *) echo "gpu.sh: wanted first, second or finish, have $phase" >&2; exit 2 ;;
esac
