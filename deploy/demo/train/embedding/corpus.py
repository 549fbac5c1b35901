"""Passages and the queries that ask for them, out of the text collection.

The collection is ../shared/data/text (see its README). User posts and items written by rule are left
out. Documents are split into training and development by a hash of their text, so a passage, its
queries and its neighbours are all on one side.
"""

import dataclasses
import hashlib
import json
import lzma
import random
import re

# Posts of users, and questions or lists that a rule wrote.
SKIPPED_SOURCES = {"squadshifts-reddit", "squadshifts-amazon", "factbook-fields", "tat-qa-table", "qamr"}
DEVELOPMENT_SHARE = 0.06
# About 120 tokens for training, which is what the teacher's time buys most with, and 230 for the
# development set, as chunks are; the teacher reads 256.
TRAINING_CHARACTERS = 600
DEVELOPMENT_CHARACTERS = 1100
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"(])")


@dataclasses.dataclass
class Pair:
    query: str
    passage: int  # index into Corpus.passages
    source: str


@dataclasses.dataclass
class Corpus:
    passages: list = dataclasses.field(default_factory=list)
    pairs: list = dataclasses.field(default_factory=list)
    index: dict = dataclasses.field(default_factory=dict)  # text -> place in passages

    def add_passage(self, text):
        if text not in self.index:
            self.index[text] = len(self.passages)
            self.passages.append(text)
        return self.index[text]


def read_lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as file:
        yield from file


def is_development(document):
    digest = hashlib.sha256(document[:400].encode()).digest()
    return digest[0] / 256 < DEVELOPMENT_SHARE


def window(text, position, size):
    """At most `size` characters of `text` around `position`, cut between words."""
    if len(text) <= size:
        return text
    begin = max(0, min(position - size // 2, len(text) - size))
    begin = text.find(" ", begin) + 1 if begin else 0
    end = text.rfind(" ", begin, begin + size)
    return text[begin:end]


def question_items(folder):
    """Yields (text, place, query, source): the reading-comprehension items and where the answer is."""
    for line in read_lines(folder / "qa.jsonl.xz"):
        item = json.loads(line)
        if item["source"] in SKIPPED_SOURCES:
            continue
        context = item["context"]
        yield context, context.find(item["answer"]), item["question"], item["source"]


# Task source -> where its query is; the passage is the input.
TASK_QUERIES = {
    "docs-title": lambda item: item["output"],
    "docs-question": lambda item: item["output"],
    "docs-summary": lambda item: item["output"],
    "medquad-questions": lambda item: item["output"],
    "scitldr": lambda item: item["output"],
    "pubmedqa": lambda item: item["instruction"],
    "boolq": lambda item: item["instruction"].partition("passage. ")[2],
    "selqa": lambda item: item["instruction"].partition("question: ")[2],
}


def task_items(folder):
    """Yields (text, place, query, source): the instruction items that hold a query for their input."""
    for line in read_lines(folder / "tasks.jsonl.xz"):
        item = json.loads(line)
        source = item["source"].partition(":")[0]
        query = TASK_QUERIES[source](item).strip() if source in TASK_QUERIES else ""
        if len(query) >= 8:
            yield item["input"], 0, query, source


def documents(folder):
    """Yields the prose documents, each a list of paragraphs."""
    paragraphs = []
    for line in read_lines(folder / "prose.txt.xz"):
        line = line.rstrip("\n")
        if line == "<|doc|>":
            yield paragraphs
            paragraphs = []
        elif line.startswith("- ") and paragraphs:
            paragraphs[-1] += " " + line[2:]
        elif line:
            paragraphs.append(line)
    yield paragraphs


def prose_passages(paragraphs, size, rng):
    """Packs neighbouring paragraphs into passages of varied length, `size` characters at most."""
    passage = ""
    target = rng.randint(size // 4, size)
    for paragraph in paragraphs:
        if passage and len(passage) + len(paragraph) > target:
            yield window(passage, 0, size)
            passage, target = "", rng.randint(size // 4, size)
        passage = f"{passage} {paragraph}" if passage else paragraph
    if len(passage) > 120:
        yield window(passage, 0, size)


def cloze(passage, rng):
    """(a sentence, the passage without it), or None: the sentence serves as a query for the rest."""
    sentences = SENTENCE_END.split(passage)
    if len(sentences) < 3:
        return None
    chosen = rng.randrange(len(sentences))
    if not 40 <= len(sentences[chosen]) <= 300:
        return None
    return sentences[chosen], " ".join(sentences[:chosen] + sentences[chosen + 1:])


def passage_characters(development):
    return DEVELOPMENT_CHARACTERS if development else TRAINING_CHARACTERS


def prose_items(folder, count, rng):
    """`count` passages as (development, passage), from all over the prose."""
    items = []
    for paragraphs in documents(folder):
        if paragraphs:
            development = is_development(paragraphs[0])
            size = passage_characters(development)
            items += [(development, passage) for passage in prose_passages(paragraphs, size, rng)]
    rng.shuffle(items)
    return items[:count]


def load(folder, num_prose, seed=0):
    """Returns (training, development) corpora with `num_prose` prose passages in all."""
    rng = random.Random(seed)
    found = []  # (development, query or None, passage, source)
    for items in (question_items(folder), task_items(folder)):
        for text, place, query, source in items:
            development = is_development(text)
            passage = window(text, place, passage_characters(development))
            found.append((development, query, passage, source))
    for development, passage in prose_items(folder, num_prose, rng):
        query, rest = cloze(passage, rng) or (None, passage)
        found.append((development, query, rest, "prose"))
    rng.shuffle(found)  # so that any part of them is a fair sample
    sides = (Corpus(), Corpus())
    for development, query, passage, source in found:
        place = sides[development].add_passage(passage)
        if query is not None:
            sides[development].pairs.append(Pair(query, place, source))
    return sides
