#!/usr/bin/env python3
"""Makes quire-mini-embed: distils all-MiniLM-L6-v2 into one vector per token.

  make.py --teacher DIR --text DIR --work DIR --out DIR   the bundled model
  make.py --small ...                                     the same code on little text, in a minute

Needs torch, numpy, tokenizers and safetensors. What the teacher computed is kept in --work: a run that
was stopped goes on there. Seeds are fixed; sums in another order may still move the last digits.
Prints the scores on held-out documents and writes them to OUT/scores.json.
"""

import argparse
import dataclasses
import json
import pathlib

import numpy
import torch

import corpus
import evaluate
import export
import student
import teacher
import vocabulary


@dataclasses.dataclass
class Recipe:
    vocabulary: int
    prose: int  # passages out of the prose
    max_passages: int  # of training and of development each, which the teacher's time limits
    student: student.Settings


FULL = Recipe(vocabulary=15000, prose=45000, max_passages=MAX, student=student.Settings())
SMALL = Recipe(vocabulary=4000, prose=2000, max_passages=500,
               student=student.Settings(dimension=64, epochs=2, batch_pairs=128))


def limited(part, max_passages):
    """The first passages of a corpus, which is shuffled, and their pairs."""
    return corpus.Corpus(passages=part.passages[:max_passages],
                         pairs=[pair for pair in part.pairs if pair.passage < max_passages])


class Side:
    """A corpus with what the teacher and the student's tokenizer make of it."""

    def __init__(self, part, tokenizer, model, cache):
        self.pairs = part.pairs
        texts = ([pair.query for pair in part.pairs], part.passages)
        self.queries, self.passages = (student.Bags(*vocabulary.tokenize(tokenizer, each))
                                       for each in texts)
        self.teacher_queries, self.teacher_passages = (
            torch.from_numpy(teacher.cached_vectors(model, each, cache)) for each in texts)

    def teacher_scores(self):
        return evaluate.ndcg_by_source(self.teacher_queries.float(), self.teacher_passages.float(),
                                       self.pairs)

    def student_scores(self, table):
        return evaluate.ndcg_by_source(student.embed_all(table, self.queries),
                                       student.embed_all(table, self.passages), self.pairs)


def token_vectors(model, tokenizer):
    """The teacher's vectors of single tokens, as texts of their own."""
    teacher_vocabulary = model.tokenizer.get_vocab()
    frame = teacher_vocabulary["[CLS]"], teacher_vocabulary["[SEP]"]
    rows = [[frame[0], teacher_vocabulary[token], frame[1]] for token in tokenizer["model"]["vocab"]]
    return model.encode_ids(rows).astype(numpy.float32)


def make(recipe, arguments):
    model = teacher.MiniLm(arguments.teacher)
    parts = [limited(part, recipe.max_passages) for part in corpus.load(arguments.text, recipe.prose)]
    definition = json.loads((arguments.teacher / "tokenizer.json").read_text(encoding="utf-8"))
    texts = parts[0].passages + [pair.query for pair in parts[0].pairs]
    pruned = vocabulary.prune(definition, texts, recipe.vocabulary)
    training, development = (Side(part, vocabulary.plain_tokenizer(pruned), model,
                                  arguments.work / "teacher") for part in parts)
    counts = numpy.bincount(torch.cat([training.queries.ids, training.passages.ids]).numpy(),
                            minlength=recipe.vocabulary)
    start = student.initial_table(token_vectors(model, pruned), counts, recipe.student)
    wanted = development.teacher_scores()

    def report(epoch, table, loss):
        score = evaluate.macro(development.student_scores(table))
        print(f"epoch {epoch}: loss {loss:.4f}, nDCG@10 {score:.4f} "
              f"({score / evaluate.macro(wanted):.3f} of the teacher's)", flush=True)

    report("start", torch.from_numpy(start), float("nan"))
    pairs = torch.tensor([[i, pair.passage] for i, pair in enumerate(training.pairs)])
    table = student.fit(start, training.queries, training.passages, pairs, training.teacher_queries,
                        training.teacher_passages, recipe.student, report)
    rounded = export.scaled(table).astype(numpy.float16)
    found = development.student_scores(torch.from_numpy(rounded.astype(numpy.float32)))
    export.write_model(arguments.out, table, pruned)
    return {"development_ndcg_at_10": {source: {"teacher": round(wanted[source], 4),
                                                "student": round(found[source], 4)}
                                       for source in found},
            "mean": {"teacher": round(evaluate.macro(wanted), 4),
                     "student": round(evaluate.macro(found), 4)},
            "training_pairs": len(pairs), "training_passages": len(training.passages),
            "development_pairs": len(development.pairs),
            "development_passages": len(development.passages)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("teacher", "text", "work", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    scores = make(SMALL if arguments.small else FULL, arguments)
    (arguments.work / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    print(json.dumps(scores["mean"]))


if __name__ == "__main__":
    main()
