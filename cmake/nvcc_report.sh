#!/bin/sh
# Compiles with nvcc and keeps what ptxas says of each kernel beside the object, OBJECT.ptxas, for
# tests/gpu/check_spills.py. Everything else nvcc says passes through.
# Usage: nvcc_report.sh NVCC ARGUMENT...
object=
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
if [ -z "$object" ]; then
  exec "$@"
fi
"$@" 2>"$object.ptxas"
status=$?
grep -vE '^ptxas info|^ +[0-9]+ bytes stack frame|^$' "$object.ptxas" >&2
exit $status
