#!/bin/sh
# Writes OUT/icu_data.S: of ICU's data what Quire uses, under the name that ICU links to.
# Usage: reduce_icu_data.sh ICUPKG LIBICUDATA.A OUT
set -eu
icupkg=$1
archive=$(readlink -f "$2")
out=$3

mkdir -p "$out"
cd "$out"
rm -rf whole items
mkdir -p whole items
(cd whole && ar x "$archive")
object=$(ls whole/*_dat.o)
name=$(basename "$object" _dat.o) # icudt72l: 72 is the version, l for little endian
objcopy -O binary -j .rodata "$object" "whole/$name.dat"
"$icupkg" -l "whole/$name.dat" | grep -E \
  '^(brkitr/(.*\.brk|.*\.dict|(root|res_index)\.res)|nfkc.*\.nrm|(uemoji|ulayout)\.icu|(root|pool|res_index)\.res)$' \
  >wanted.txt
"$icupkg" -x wanted.txt -d items "whole/$name.dat"
"$icupkg" -a wanted.txt -s items new "$name.dat"
rm -rf whole items
symbol=${name%l}_dat
cat >icu_data.S <<END
  .section .rodata
  .global $symbol
  .balign 16
$symbol:
  .incbin "$out/$name.dat"
  .section .note.GNU-stack,"",%progbits
END
