#!/usr/bin/env python3
"""Holds the encoder of tokenizer.py to Hugging Face's, and the places that answers are copied from to what
stands there. Needs the `tokenizers` package.

Usage: check_tokenizer.py DIR [TEXT_FOLDER]
"""

import pathlib
import random
import sys

import tokenizer
from generator.tasks import Tasks


def copied_share(encoder: tokenizer.Encoder, tasks: Tasks) -> float:
    """The share of answers with a known place; raises ValueError if another token stands there."""
    answers = known = 0
    for _ in range(200):
        example = tasks.example(900, 2)
        ids, _, sources = encoder.conversation(example)
        for at, place in enumerate(sources):
            if place and ids[place - 1] != ids[at]:
                raise ValueError(
                    f"token {at} of {ids}: copied from {place - 1}, where another stands")
            known += place > 0 and sources[at - 1] == 0
        answers += sum(turn.citation > 0 for turn in example.turns)
    return known / answers


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
    share = copied_share(ours, tasks)
    if share < 0.6:
        print(f"check_tokenizer: wanted a place for most answers, have one for {share:.2f}")
        return 1
    print(
        f"check_tokenizer: {len(texts)} texts alike, {characters / tokens:.2f} characters a token, "
        f"{share:.2f} of the answers have one place that they are copied from")
    return 0


if __name__ == "__main__":
    sys.exit(main())
