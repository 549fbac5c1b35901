#!/usr/bin/env python3
"""Trains the tokenizer on generated documents and real text. Needs the `tokenizers` package.

Usage: make_tokenizer.py --text ../../../../shared/data/text --out DIR [--vocab 6144]
"""

import argparse
import pathlib
import random
from collections.abc import Iterator

import real_text
import tokenizer
from generator.tasks import Tasks


def texts(folder: pathlib.Path, examples: int, prose_every: int) -> Iterator[str]:
    """Half generated examples, half prose; seeds are fixed."""
    rng = random.Random(1)
    tasks, reading = Tasks(rng, "train"), real_text.Comprehension(folder, "train", rng)
    for _ in range(examples):
        for example in (tasks.example(900, 4), reading.example(900, 4)):
            yield from (f"{turn.user}\n {turn.answer}" for turn in example.turns)
    for index, text in enumerate(real_text.prose(folder)):
        if index % prose_every == 0:
            yield text[:20000]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--vocab", type=int, default=6144)
    parser.add_argument("--examples", type=int, default=8000)
    parser.add_argument("--prose-every", type=int, default=8)
    arguments = parser.parse_args()
    tokenizer.train(texts(arguments.text, arguments.examples, arguments.prose_every),
                    arguments.vocab, arguments.out)


if __name__ == "__main__":
    main()
