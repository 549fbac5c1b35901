#!/usr/bin/env python3
"""Fails if a kernel spills registers. Run: check_spills.py BUILD EXCEPTIONS

BUILD is searched for *.ptxas, what cmake/nvcc_report.sh keeps of ptxas -v. EXCEPTIONS has a line for
each kernel that may spill: the most bytes it may, an architecture or *, a regular expression for the
demangled name, and after # why.
"""

import pathlib
import re
import subprocess
import sys

ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")


def kernels(build):
    """Yields (mangled name, architecture, stack bytes, spilled bytes, registers)."""
    for file in sorted(pathlib.Path(build).rglob("*.ptxas")):
        name = architecture = None
        stack = spilled = 0
        for line in file.read_text().splitlines():
            if match := ENTRY.search(line):
                name, architecture = match.groups()
            elif match := SPILLS.search(line):
                stack, spilled = int(match[1]), int(match[2]) + int(match[3])
            elif (match := REGISTERS.search(line)) and name:
                yield name, architecture, stack, spilled, int(match[1])
                name = None


def read_exceptions(path):
    rules = []
    for line in pathlib.Path(path).read_text().splitlines():
        rule = line.split("#")[0].split(None, 2)
        if rule:
            rules.append((int(rule[0]), rule[1], re.compile(rule[2].strip())))
    return rules


def is_allowed(rules, name, architecture, spilled):
    return any(spilled <= most and arch in ("*", architecture) and pattern.search(name)
               for most, arch, pattern in rules)


def main(build, exceptions):
    found = list(kernels(build))
    if not found:
        print(f"no kernel in {build}: was it built with nvcc?")
        return 1
    names = subprocess.run(["c++filt"], input="\n".join(k[0] for k in found), text=True,
                           capture_output=True, check=True).stdout.splitlines()
    rules = read_exceptions(exceptions)
    bad = excepted = 0
    for name, (_, architecture, stack, spilled, registers) in zip(names, found):
        if spilled == 0:
            continue
        if is_allowed(rules, name, architecture, spilled):
            excepted += 1
            continue
        bad += 1
        print(f"{architecture}: {name}: {spilled} bytes spilled, {stack} bytes of stack, "
              f"{registers} registers")
    print(f"{len(found)} kernels, {bad} spill, {excepted} more as expected")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
