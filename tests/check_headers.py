#!/usr/bin/env python3
"""Fails if a header does not compile alone. Run: check_headers.py ROOT COMPILER [COMPILER FLAG...].

A header that its own source file includes first has been compiled alone by the build; the others are
compiled here, without output. Bodies for one instruction set (-inl.h) are no headers.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

FOLDERS = ["base", "kernels", "engine", "retrieval", "services"]
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)', re.MULTILINE)


def is_first_in_its_source(root, header):
    source = header.with_suffix(".cc")
    first = source.exists() and INCLUDE.search(source.read_text())
    return bool(first) and first.group(1) == header.relative_to(root).as_posix()


def headers_to_compile(root):
    """Returns all headers below `root`, and those that no source file vouches for."""
    headers = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.h"))
               if not path.name.endswith("-inl.h")]
    return headers, [path for path in headers if not is_first_in_its_source(root, path)]


def compile_alone(root, header, command):
    """Returns the compiler's complaint about `header`, or the empty string."""
    result = subprocess.run([*command, "-std=c++20", "-fsyntax-only", f"-I{root}", "-x", "c++", "-"],
                            input=f'#include "{header.relative_to(root).as_posix()}"\n', text=True,
                            capture_output=True, check=False)
    return result.stderr if result.returncode else ""


def main(root, *command):
    headers, alone = headers_to_compile(root)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [c for c in pool.map(lambda h: compile_alone(root, h, command), alone) if c]
    print("\n".join(complaints) if complaints else
          f"{len(headers)} headers stand alone, {len(alone)} of them compiled here")
    return 1 if complaints or not headers else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:]))
