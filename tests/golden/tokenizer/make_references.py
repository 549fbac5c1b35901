#!/usr/bin/env python3
"""Compares the recorded references of this folder with what the reference implementations give.

make_references.py            fails if a recorded file differs
make_references.py --update   writes the files; review the diff

Needs the PyPI packages `tokenizers` 0.23 and `jinja2` 3.1.
"""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", choices=["tokenizer", "template"])
    options = parser.parse_args()
    files = []
    if options.only != "template":
        import tokenizer_references
        files += tokenizer_references.files()
    if options.only != "tokenizer":
        import template_references
        files += template_references.files()
    different = 0
    for name, content in files:
        path = HERE / name
        if path.exists() and path.read_text() == content:
            continue
        if options.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        else:
            different += 1
            print(f"{name} differs from the reference")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
