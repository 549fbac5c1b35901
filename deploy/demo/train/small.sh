#!/usr/bin/env bash
# Runs the whole pipeline on the CPU in a few minutes: a test of the code, not a model.
#
# Usage: small.sh [WORK_DIR]      default: build/quire-mini-small
# Needs a Python with torch, numpy and tokenizers: set PYTHON to it. Text comes from ../shared/data/text.
set -euo pipefail

here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../../..")
work=$(realpath -m "${1:-$root/build/quire-mini-small}")
text=${QUIRE_TEXT:-$root/../shared/data/text}
python=${PYTHON:-python3}

rm -rf "$work"
mkdir -p "$work"
cd "$here"
"$python" check_generator.py
"$python" make_tokenizer.py --text "$text" --out "$work/tokenizer" --vocab 1024 --examples 300 --prose-every 400
"$python" check_tokenizer.py "$work/tokenizer"
"$python" make_data.py --recipe tiny --text "$text" --tokenizer "$work/tokenizer" --out "$work/data" --processes 1
"$python" train.py --recipe tiny --data "$work/data" --tokenizer "$work/tokenizer" --out "$work/checkpoints" \
  --minutes 0.5 --threads 1 --no-compile
"$python" train.py --recipe tiny --data "$work/data" --tokenizer "$work/tokenizer" --out "$work/resumed" \
  --minutes 0.1 --processes 2 --threads 1 --no-compile --from "$work/checkpoints/long" --stage long
"$python" quantize.py "$work/resumed/long" "$work/model"
"$python" evaluate.py "$work/resumed/long" --questions 8 --max-chars 400 --text "$text" --threads 1
"$python" evaluate.py "$work/model" --questions 8 --max-chars 400 --threads 1
echo "small.sh: the pipeline runs; the model is in $work/model"
