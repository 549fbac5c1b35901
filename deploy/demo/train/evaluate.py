#!/usr/bin/env python3
"""Scores a checkpoint on questions that share no domain, template or name with the training.

Usage: evaluate.py MODEL [--text ../../../../shared/data/text] [--questions 400] [--max-chars 3500]
         [--show N] [--threads N]

Generated documents by kind of prompt; with --text also the test part of the reading comprehension.
Answers are greedy. Prints one JSON object per kind.
"""

import argparse
import json
import pathlib
import random
from collections.abc import Iterable

import torch

import real_text
import weights
from generator.tasks import NO_ANSWER, Example, Tasks
from scoring import Score
from tokenizer import EOS, Encoder

MAX_ANSWER_TOKENS = 64


class Answerer:
    """Greedy answers of one checkpoint."""

    def __init__(self, folder: pathlib.Path):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = weights.load(folder).to(self.device).eval()
        self.encoder = Encoder(folder / "tokenizer.json")
        self.stop = self.encoder.special[EOS]
        alphabet = {c: b for b, c in self.encoder.alphabet.items()}
        self.bytes = {
            i: bytes(alphabet[c] for c in t)
            for t, i in self.encoder.ids.items()
            if i not in self.encoder.special.values()
        }

    @torch.no_grad()
    def answer(self, example: Example) -> str:
        """The answer to the first turn; empty if its prompt is longer than the context."""
        prompt = self.encoder.prompt([{
            "role": "system",
            "content": example.system
        }, {
            "role": "user",
            "content": example.turns[0].user
        }])
        if len(prompt) + MAX_ANSWER_TOKENS > self.model.config.context:
            return ""
        cache: list[list] = [[] for _ in range(self.model.config.layers)]
        ids, made = torch.tensor([prompt], device=self.device), []
        start = 0
        while len(made) < MAX_ANSWER_TOKENS:
            hidden = self.model.hidden_states(ids, cache, start)[:, -1]
            start += ids.shape[1]
            token = int(self.model.logits(hidden).argmax())
            if token == self.stop:
                break
            made.append(token)
            ids = torch.tensor([[token]], device=self.device)
        return b"".join(
            self.bytes.get(i, b"") for i in made).decode(errors="replace").removeprefix(" ")


def score(answerer: Answerer, examples: Iterable[Example], show: int) -> dict:
    """The report over examples with one turn each."""
    result = Score(NO_ANSWER)
    for number, example in enumerate(examples):
        turn = example.turns[0]
        answer = answerer.answer(example)
        result.add(answer, turn.gold, turn.citation)
        if number < show:
            question = turn.user.rsplit("Question: ", 1)[-1]
            print(f"  {question}\n    wanted {turn.answer!r}\n    have   {answer!r}", flush=True)
    return result.report()


def generated(step: str, count: int, max_chars: int) -> Iterable[Example]:
    """Unseen documents, always the same ones."""
    rng = random.Random(20)
    tasks = Tasks(rng, "eval")
    for _ in range(count):
        chars = round(150 * (max_chars / 150)**rng.random())
        if step in ("reduce_question", "refine_question"):
            yield {"reduce_question": tasks.reduce, "refine_question": tasks.refine}[step](chars)
        else:
            yield tasks.question(step, chars, 1)


def comprehension(text: pathlib.Path, count: int, max_chars: int) -> Iterable[Example]:
    """Questions about real passages of the test part, one per passage, always the same ones."""
    rng = random.Random(21)
    reading = real_text.Comprehension(text, "test", rng)
    indices = rng.sample(range(len(reading.groups)), min(count, len(reading.groups)))
    for index in indices:
        yield reading.example(max_chars, 1, index, answerable=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--max-chars", type=int, default=3500)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    answerer = Answerer(arguments.model)
    for step in ("answer", "map_question", "reduce_question", "refine_question"):
        count = arguments.questions if step == "answer" else arguments.questions // 4
        report = score(answerer, generated(step, count, arguments.max_chars), arguments.show)
        print(json.dumps({"kind": step} | report), flush=True)
    if arguments.text:
        examples = comprehension(arguments.text, arguments.questions, arguments.max_chars)
        print(json.dumps({"kind": "comprehension"} | score(answerer, examples, arguments.show)),
              flush=True)


if __name__ == "__main__":
    main()
