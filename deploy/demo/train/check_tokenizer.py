#!/usr/bin/env python3
"""Holds the encoder of tokenizer.py to Hugging Face's. Needs the `tokenizers` package.

Usage: check_tokenizer.py DIR [TEXT_FOLDER]
"""

import pathlib
import random
import sys

import tokenizer
from generator.tasks import Tasks


def main() -> int:
    from tokenizers import Tokenizer

    path = pathlib.Path(sys.argv[1]) / "tokenizer.json"
    theirs, ours = Tokenizer.from_file(str(path)), tokenizer.Encoder(path)
    tasks = Tasks(random.Random(5), "eval")
    texts = [turn.user for _ in range(200) for turn in tasks.example(900, 2).turns]
    texts += [
        "a\n\n  b\t c", "½ ² x\u00b5 \u4f60\u597d 12\u0663", "", " ", "don't  \n",
        "\u00e9t\u00e9 e\u0301\U0001f600"
    ]
    characters = tokens = 0
    for text in texts:
        ids = ours.encode(text)
        if ids != theirs.encode(text, add_special_tokens=False).ids:
            print(f"check_tokenizer: different ids for {text!r}")
            return 1
        characters, tokens = characters + len(text), tokens + len(ids)
    print(
        f"check_tokenizer: {len(texts)} texts alike, {characters / tokens:.2f} characters a token")
    return 0


if __name__ == "__main__":
    sys.exit(main())
