#!/usr/bin/env bash
# From a fresh Debian 12 machine to a cited answer: installs packages, builds, starts the three
# services, uploads the demo documents, asks, stops the services.
#
# Usage: deploy/quickstart.sh [OPTION...]
#   --model MODEL          language model: a Hugging Face directory, a .gguf file, or hf:ORG/REPO to
#                          download one.
#                          Default: the bundled one, deploy/demo/model: no download, at once, and right
#                          about one in four questions (deploy/demo/model/README.md)
#   --embedding-model DIR  a directory or a .gguf file. Default: the bundled one, deploy/demo/embedding
#   --question TEXT        default: a question about the demo documents
#   --strategy NAME        auto, stuff, map-reduce, refine or rag. Default: rag
#   --top-k N              chunks that rag shows the model. Default: 2 for the bundled model, which reads
#                          short prompts best, else what the orchestrator finds best
#   --keep                 leaves the services running and says how to go on
#   --stop                 stops the services that a run with --keep left, and does nothing else
#   --bin-dir DIR          uses the programs in DIR; installs and builds nothing
#   --work-dir DIR         logs and documents. Default: build/quickstart
# Runs again quickly: what is installed, built, fetched and stored already is kept.
set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
model=
embedding_model=
question="Who is the external ombudswoman?"
strategy=rag
top_k=
bundled_model=deploy/demo/model
keep=false
stop_only=false
bin_dir=
work_dir=$root/build/quickstart
collection=demo

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$root/deploy/quickstart.sh"; }
step() { printf '\n==> %s\n' "$*" >&2; }
# fail MESSAGE [WHAT TO DO]
fail() {
  printf '\nquickstart: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '%s\n' "$2" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=true; shift ;;
    --stop) stop_only=true; shift ;;
    -h | --help) usage; exit 0 ;;
    --*)
      [ $# -ge 2 ] || { echo "quickstart: $1 needs a value or is unknown; see --help" >&2; exit 2; }
      case $1 in
        --model)
          case $2 in
            hf:*) model=$2 ;;
            *) model=$(realpath -m "$2") ;;
          esac
          ;;
        --embedding-model) embedding_model=$(realpath -m "$2") ;;
        --bin-dir) bin_dir=$(realpath -m "$2") ;;
        --work-dir) work_dir=$(realpath -m "$2") ;;
        --question) question=$2 ;;
        --strategy) strategy=$2 ;;
        --top-k) top_k=$2 ;;
        *) echo "quickstart: unknown option $1; see --help" >&2; exit 2 ;;
      esac
      shift 2
      ;;
    *) echo "quickstart: wanted an option, have $1; see --help" >&2; exit 2 ;;
  esac
done
cd "$root"
# Proxies of the environment are not for the services on this machine.
export no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"

# --- services: one file per running service in $work_dir/run, holding its process id ------------

is_service() { [ -n "$1" ] && [[ "$(readlink "/proc/$1/exe" 2>/dev/null)" == */quire-* ]]; }

stop_services() {
  local file pid
  # The orchestrator first: nobody is asked who has gone already.
  for file in "$work_dir"/run/{orchestrator,retrieval,inference}.pid; do
    [ -f "$file" ] || continue
    pid=$(<"$file")
    if is_service "$pid"; then
      kill -TERM "$pid"
      for _ in $(seq 100); do is_service "$pid" || break; sleep 0.1; done
      ! is_service "$pid" || kill -KILL "$pid"
    fi
    rm -f "$file"
  done
}

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_service NAME ADDRESS ARGUMENT...: starts quire-NAME; returns when it serves.
start_service() {
  local name=$1 address=$2 log=$work_dir/$1.log
  shift 2
  setsid "$bin_dir/quire-$name" --port "${address#*:}" "$@" >"$log" 2>&1 </dev/null &
  echo $! >"$work_dir/run/$name.pid"
  if ! deploy/wait_until_serving.py "$address" $! 300; then
    tail -n 15 "$log" >&2
    fail "quire-$name did not start" "The lines above are from $log."
  fi
  echo "quire-$name serves at $address, log $log" >&2
}

if $stop_only; then
  stop_services
  exit 0
fi

# --- models and programs ---------------------------------------------------------------------------

if [ -z "$model" ]; then
  model=$bundled_model
  top_k=${top_k:-2}
fi
[[ $model == hf:* || -e $model ]] || fail "$model does not exist" \
  "Name one: deploy/quickstart.sh --model DIR, where DIR holds config.json, model.safetensors and
tokenizer.json as downloaded from Hugging Face, or a .gguf file (README.md names the families)."

if [ -z "$bin_dir" ]; then
  step "Packages"
  deploy/install_dependencies.sh >&2
  step "Build (the first time takes some minutes)"
  bin_dir=build/release/bin
  mkdir -p "$work_dir"
  cmake --preset release >"$work_dir/configure.log" 2>&1 ||
    { tail -n 20 "$work_dir/configure.log" >&2; fail "CMake could not configure the build"; }
  ninja -C build/release bin/quire bin/quire-{inference,retrieval,orchestrator} >&2 ||
    fail "the build failed" "Out of memory? Try again with fewer jobs: ninja -C build/release -j 1"
fi
for program in quire quire-inference quire-retrieval quire-orchestrator; do
  [ -x "$bin_dir/$program" ] || fail "$bin_dir/$program is missing" "Run without --bin-dir to build it."
done

if [[ $model == hf:* ]]; then
  step "Language model"
  model=$("$bin_dir/quire" models pull "$model") || fail "no language model" "Name one with --model DIR."
fi

embedding_model=${embedding_model:-deploy/demo/embedding/quire-mini-embed.gguf}
[ -e "$embedding_model" ] || fail "$embedding_model does not exist" \
  "Name one: --embedding-model DIR, a BERT encoder from Hugging Face."

# --- run ---------------------------------------------------------------------------------------

step "Services"
mkdir -p "$work_dir/run"
stop_services
trap stop_services EXIT
trap 'exit 130' INT TERM
inference=127.0.0.1:$(free_port)
retrieval=127.0.0.1:$(free_port)
orchestrator=127.0.0.1:$(free_port)
start_service inference "$inference" --model "$model" --embedding-model "$embedding_model"
start_service retrieval "$retrieval" --data-dir "$work_dir/documents" --inference "$inference"
start_service orchestrator "$orchestrator" --inference "$inference" --retrieval "$retrieval"

quire() { "$bin_dir/quire" "$@"; }

step "Documents"
quire --server "$retrieval" collection show "$collection" >/dev/null 2>&1 ||
  quire --server "$retrieval" collection create "$collection" >/dev/null ||
  fail "collection $collection could not be created" "See $work_dir/retrieval.log."
quire --server "$retrieval" docs add --collection "$collection" deploy/demo/corpus/*.{md,txt} >&2 ||
  fail "the documents could not be uploaded" "See $work_dir/retrieval.log."

step "Question: $question"
ask_options=(--collection "$collection" --strategy "$strategy")
[ "$strategy" != rag ] || ask_options+=(${top_k:+--top-k "$top_k"})
quire --server "$orchestrator" ask "$question" "${ask_options[@]}" ||
  fail "there was no answer" "See $work_dir/orchestrator.log and $work_dir/inference.log."

if $keep; then
  trap - EXIT
  step "Still running. Ask more:"
  echo "$bin_dir/quire --server $orchestrator ask \"Which adapter do Heron 2 heads need?\"" \
    "${ask_options[@]}" >&2
  echo "Stop: deploy/quickstart.sh --stop --work-dir $work_dir" >&2
fi
