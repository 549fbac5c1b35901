#!/usr/bin/env python3
"""Makes quire-mini-embed: distils all-MiniLM-L6-v2 into fewer layers and tokens, in 4 bits.

  make.py --teacher DIR --text DIR --work DIR --out DIR   the bundled model
  make.py --small ...                                     the same code on little text, in a minute

Needs what requirements.txt names. A run that was stopped goes on from the checkpoint in --work. Seeds
are fixed, but a faster machine takes more steps in the same minutes. Writes OUT/quire-mini-embed.gguf,
and the scores on held-out documents to WORK/scores.json; prints their means.
"""

import argparse
import dataclasses
import json
import pathlib
import random

import torch

import bert
import corpus
import evaluate
import export
import rounding
import student
import teacher
import vocabulary

NAME = "quire-mini-embed"


@dataclasses.dataclass
class Recipe:
    vocabulary: int
    prose: int  # passages out of the prose
    development_passages: int  # which the teacher's time limits
    calibration_texts: int  # what the matrices are rounded for
    student: student.Settings


FULL = Recipe(vocabulary=13000, prose=45000, development_passages=1000, calibration_texts=160,
              student=student.Settings())
SMALL = Recipe(vocabulary=4000, prose=500, development_passages=60, calibration_texts=20,
               student=student.Settings(layers=(0, 5), minutes=0.1))


def limited(part, max_passages):
    """The first passages of a corpus, which is shuffled, and their pairs."""
    return corpus.Corpus(passages=part.passages[:max_passages],
                         pairs=[pair for pair in part.pairs if pair.passage < max_passages])


class Development:
    """The held-out documents and how well vectors of them find them."""

    def __init__(self, part):
        self.pairs = part.pairs
        self.texts = [pair.query for pair in part.pairs] + part.passages

    def scores(self, vectors):
        """nDCG@10 by source. `vectors`: of self.texts."""
        vectors = torch.from_numpy(vectors).float()
        return evaluate.ndcg_by_source(vectors[:len(self.pairs)], vectors[len(self.pairs):], self.pairs)


def make(recipe, arguments):
    arguments.work.mkdir(parents=True, exist_ok=True)
    model = teacher.MiniLm(arguments.teacher)
    training, held_out = corpus.load(arguments.text, recipe.prose)
    development = Development(limited(held_out, recipe.development_passages))
    texts = [pair.query for pair in training.pairs] + training.passages
    definition = json.loads((arguments.teacher / "tokenizer.json").read_text(encoding="utf-8"))
    pruned = vocabulary.prune(definition, texts, recipe.vocabulary)
    pupil = student.Student(model, pruned, recipe.student.layers, teacher.MAX_TOKENS)
    student.Training(pupil, model, texts, recipe.student, arguments.work / "checkpoint.pt").run()
    rounded = rounding.Rounding(pupil.weights, pupil.shape)
    rounded.run(pupil.tokenize(random.Random(0).sample(texts, recipe.calibration_texts)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    export.write_model(arguments.out / f"{NAME}.gguf", rounded.weights, rounded.blocks, pupil.shape,
                       pruned, NAME)
    wanted = development.scores(teacher.cached_vectors(model, development.texts,
                                                       arguments.work / "teacher"))
    found = development.scores(bert.encode(rounded.weights, pupil.shape,
                                           pupil.tokenize(development.texts)))
    return {"development_ndcg_at_10": {source: {"teacher": round(wanted[source], 4),
                                                "student": round(found[source], 4)}
                                       for source in found},
            "mean": {"teacher": round(evaluate.macro(wanted), 4),
                     "student": round(evaluate.macro(found), 4)},
            "training_texts": len(texts), "development_pairs": len(development.pairs),
            "development_passages": recipe.development_passages}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("teacher", "text", "work", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--minutes", type=float, help="of training; default: the recipe's")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = SMALL if arguments.small else FULL
    if arguments.minutes is not None:
        recipe.student.minutes = arguments.minutes
    scores = make(recipe, arguments)
    (arguments.work / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    print(json.dumps(scores["mean"]))


if __name__ == "__main__":
    main()
