#!/usr/bin/env bash
# Installs the Debian 12 packages that building, testing and running Quire takes. Needs root or sudo
# when one is missing; otherwise it changes nothing and is done at once.
#
# Usage: deploy/install_dependencies.sh [--fuzzing]
#   --fuzzing   clang and its libFuzzer as well, for the fuzz stage of tests/run.sh
set -euo pipefail

packages=(
  ca-certificates ccache cmake g++ git mold ninja-build pkg-config
  libabsl-dev libbenchmark-dev libcli11-dev libcurl4-openssl-dev libfaiss-dev libfmt-dev
  libgmock-dev libgrpc++-dev libgtest-dev libicu-dev libopenblas-openmp-dev libpcre2-dev
  libprotobuf-dev librocksdb-dev libspdlog-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev
  prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc
  python3 python3-grpcio python3-pip python3-protobuf
)
[ "${1:-}" != --fuzzing ] || packages+=(clang-14 libclang-rt-14-dev)

if ! command -v dpkg-query >/dev/null; then
  echo "install_dependencies: this list is for Debian 12; install what corresponds to:" >&2
  echo "${packages[*]}" >&2
  exit 1
fi

# dpkg-query fails if it does not know a package: that one is missing, which is no error.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "dependencies: all installed"
  exit 0
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_dependencies: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >>"$log" 2>&1; }

echo "dependencies: installing ${missing[*]}"
if ! apt update || ! apt install -y --no-install-recommends "${missing[@]}"; then
  tail -n 20 "$log" >&2
  echo "install_dependencies: apt-get could not install: ${missing[*]}" >&2
  echo "The names are those of Debian 12 (bookworm). Check the network and the lines above." >&2
  exit 1
fi
echo "dependencies: installed"
