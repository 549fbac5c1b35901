#!/bin/sh
# Fails unless the programs for a bare GPU machine need only the C library, and are together, stripped,
# at most 60 MiB. Usage: check_programs.sh BIN
set -eu
limit=$((60 << 20))
allowed='^(linux-vdso|libc|libm|libdl|libpthread|librt|ld-linux-x86-64)\.so'

stripped=$(mktemp -d)
trap 'rm -rf "$stripped"' EXIT
status=0
total=0
for name in quire quire_gpu_tests quire_gpu_bench; do
  needed=$(objdump -p "$1/$name" | awk '$1 == "NEEDED" { print $2 }')
  others=$(printf '%s\n' "$needed" | grep -vE "$allowed" || true)
  if [ -n "$others" ]; then
    printf '%s needs: %s\n' "$name" "$(printf '%s' "$others" | tr '\n' ' ')"
    status=1
  fi
  strip -o "$stripped/$name" "$1/$name"
  size=$(stat -c %s "$stripped/$name")
  printf '%-16s %5.1f MiB stripped, needs %s\n' "$name" "$(echo "$size" | awk '{ print $1 / 1048576 }')" \
    "$(printf '%s' "$needed" | tr '\n' ' ')"
  total=$((total + size))
done
printf '%-16s %5.1f MiB\n' together "$(echo $total | awk '{ print $1 / 1048576 }')"
if [ $total -gt $limit ]; then
  echo "wanted at most $((limit >> 20)) MiB together"
  status=1
fi
exit $status
