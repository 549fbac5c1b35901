#!/usr/bin/env python3
"""Compares the recorded references of this folder with what the reference implementations give.

make_references.py            fails if a recorded file differs
make_references.py --update   writes the files; review the diff

Needs the PyPI packages `tokenizers` 0.23, `sentencepiece` 0.2 and `jinja2` 3.1.
"""

import argparse
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
# In this order: tokenizers take the rules of a SentencePiece model.
PARTS = ["sentence_piece", "tokenizer", "pre_tokenizer", "template"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    different = 0
    for part in PARTS if options.only is None else [options.only]:
        for name, content in importlib.import_module(f"{part}_references").files():
            different += not check(HERE / name, content, options.update)
    return 1 if different else 0


def check(path, content, update):
    """True if the file has this content, or was given it."""
    content = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == content:
        return True
    if not update:
        print(f"{path} differs from the reference")
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


if __name__ == "__main__":
    sys.exit(main())
