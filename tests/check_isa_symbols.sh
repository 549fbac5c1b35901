#!/bin/sh
# Fails if an object compiled for an instruction set defines a symbol other code could link to:
# the linker may keep that copy, and an older CPU would then crash on it.
# Run: check_isa_symbols.sh OBJECT...; only those named *microkernels_avx* are looked at.
status=0
checked=0
for object in "$@"; do
  case "$object" in *microkernels_avx*) ;; *) continue ;; esac
  checked=$((checked + 1))
  # W and V: weak. u: unique, which the linker merges too.
  leaked=$(nm -C --defined-only "$object" | awk '$2 ~ /^[WVu]$/') || status=1
  if [ -n "$leaked" ]; then
    printf '%s defines shared symbols:\n%s\n' "$object" "$leaked"
    status=1
  fi
done
echo "$checked objects checked"
exit $status
