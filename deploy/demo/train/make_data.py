#!/usr/bin/env python3
"""Makes the training rows of a recipe: generated examples and real text, tokenized and packed.

Usage: make_data.py --recipe cpu --text ../../../../shared/data/text --tokenizer DIR --out DIR
         [--processes N] [--stage NAME]...
Needs Python and NumPy; recipes that start with vectors of tokens (token_vectors.py) also PyTorch. The same
arguments give the same rows.
"""

import argparse
import multiprocessing
import pathlib
import random
import zlib
from collections.abc import Iterator

import cloze
import real_text
import shards
import token_vectors
from generator.tasks import Tasks
from recipes import RECIPES, Stage
from tokenizer import BOS, EOS, PAD, Encoder


class Source:
    """An endless stream of (ids, uses, sources) for one stage; part `part` of `parts` of the prose."""

    def __init__(self, stage: Stage, encoder: Encoder, text: pathlib.Path, part: int, parts: int):
        self.stage, self.encoder = stage, encoder
        self.text, self.part, self.parts = text, part, parts
        self.rng = random.Random(zlib.crc32(f"{stage.name} {part}".encode()))
        mix = stage.mix
        self.tasks = Tasks(self.rng, "train", mix.absent_share)
        self.reading = real_text.Comprehension(text, "train",
                                               self.rng) if mix.comprehension else None
        self.summaries = real_text.Summaries(text, self.rng) if mix.summaries else None
        self.prose_rows = self._prose_rows() if mix.prose else None
        self.cloze = cloze.Cloze(text, self.rng, part, parts) if mix.cloze else None

    def __iter__(self) -> Iterator[shards.Row]:
        mix = self.stage.mix
        kinds = [mix.generated, mix.comprehension, mix.summaries, mix.prose, mix.cloze]
        # Shares are of tokens, roughly: a row of prose is as long as a row.
        if mix.prose:
            kinds[3] *= (mix.min_chars + mix.max_chars) / 6 / self.stage.length
        while True:
            kind = self.rng.choices(range(len(kinds)), kinds)[0]
            chars = round(mix.min_chars * (mix.max_chars / mix.min_chars)**self.rng.random())
            if kind == 3:
                yield next(self.prose_rows)
                continue
            if kind == 0:
                example = self.tasks.example(chars, self.rng.randint(1, mix.max_turns))
            elif kind == 1:
                example = self.reading.example(chars, self.rng.randint(1, mix.max_turns))
            elif kind == 2:
                example = self.summaries.example(chars)
            else:
                example = self.cloze.example(chars, self.rng.randint(1, mix.max_turns))
            ids, answers, sources = self.encoder.conversation(example)
            yield ids, [shards.ANSWER if a else shards.CONTEXT for a in answers], sources

    def _prose_rows(self) -> Iterator[shards.Row]:
        ids: list[int] = []
        while True:
            for index, text in enumerate(real_text.prose(self.text)):
                if index % self.parts != self.part:
                    continue
                ids += [
                    self.encoder.special[BOS], *self.encoder.encode(text), self.encoder.special[EOS]
                ]
                while len(ids) >= self.stage.length:
                    row, ids = ids[:self.stage.length], ids[self.stage.length:]
                    yield row, [shards.PROSE] * len(row), [0] * len(row)


def make_shard(job: tuple) -> int:
    """Writes one shard; returns its tokens."""
    stage, arguments, part = job
    encoder = Encoder(arguments.tokenizer / "tokenizer.json")
    folder = arguments.out / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    source = Source(stage, encoder, arguments.text, part, arguments.processes)
    tokens = stage.tokens // arguments.processes
    return shards.write(folder / f"{part:02}", shards.pack(source, stage.length), stage.length,
                        tokens, encoder.special[PAD])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--stage", action="append", help="only these stages")
    arguments = parser.parse_args()
    for stage in RECIPES[arguments.recipe].stages:
        if arguments.stage and stage.name not in arguments.stage:
            continue
        jobs = [(stage, arguments, part) for part in range(arguments.processes)]
        with multiprocessing.Pool(arguments.processes) as pool:
            tokens = sum(pool.imap_unordered(make_shard, jobs))
        (arguments.out / stage.name / shards.DONE).touch()
        print(f"{stage.name}: {tokens:,} tokens in {arguments.out / stage.name}", flush=True)
    vectors_wanted = not arguments.stage or not (arguments.out / token_vectors.NAME).exists()
    if RECIPES[arguments.recipe].start_copying and vectors_wanted:
        token_vectors.write(arguments.out, arguments.text,
                            Encoder(arguments.tokenizer / "tokenizer.json"))
        print(f"vectors of tokens: {arguments.out / token_vectors.NAME}", flush=True)


if __name__ == "__main__":
    main()
