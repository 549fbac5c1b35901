"""Text written by people: reading comprehension, instruction pairs and prose of shared/data/text.

The reading comprehension is split by source document as well as the file allows: it is grouped by
source and document, so of each source the last contexts are for the test, and a few before them
are left out, so that no document is on both sides.
"""

import bisect
import collections
import itertools
import json
import lzma
import pathlib
import random
from collections.abc import Iterator

from generator.passages import Passage
from generator.tasks import NO_ANSWER, PROMPTS, Example, Turn, ask, rendered

TEST_SHARE = 0.04
GAP_SHARE = 0.01
# User posts: for training alone, so that scores are of edited text.
USER_POSTS = {"squadshifts-reddit", "squadshifts-amazon"}
# Made by rule: always the same words or the same place.
MOSTLY_LEFT_OUT = {"medquad-definition", "factbook-fields"}
MOST_COUNTED = 5  # questions of a group, when one is drawn
SUMMARY_SOURCES = ("docs-summary", "scitldr")


def _lines(path: pathlib.Path) -> Iterator[dict]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _shortened(context: str, answer: str, rng: random.Random, most: int) -> str:
    """At most about `most` characters of the context around the answer, whole sentences."""
    if len(context) <= most:
        return context
    at = context.find(answer)
    start = max(0, at - rng.randint(0, max(0, most - len(answer) - 40)))
    if start > 0:
        stop = context.rfind(". ", 0, start)
        start = stop + 2 if stop >= 0 and at - stop < most else start
    end = context.find(". ", max(at + len(answer), start + most) - 1)
    return context[start:end + 1 if end >= 0 else len(context)].strip()


class Comprehension:
    """Questions about real passages, as examples of the answer step."""

    def __init__(self, folder: pathlib.Path, split: str, rng: random.Random):
        self.rng = rng
        by_source: dict[str, dict[str, list[dict]]] = collections.defaultdict(dict)
        for item in _lines(folder / "qa.jsonl.xz"):
            # Brackets of a passage become round in a prompt, where they read as a citation.
            if "[" not in item["answer"] and (split == "train" or item["source"] not in USER_POSTS):
                by_source[item["source"]].setdefault(item["context"], []).append(item)
        self.groups: list[list[dict]] = []  # one context each, neighbours are of one document
        for source, contexts in sorted(by_source.items()):
            groups = list(contexts.values())
            test, gap = int(len(groups) * TEST_SHARE), int(len(groups) * GAP_SHARE) + 1
            part = groups[-test:] if split == "test" else groups[:len(groups) - test - gap]
            if source in MOSTLY_LEFT_OUT and split != "test":
                part = part[::4]
            self.groups += part
        # Questions that people wrote about one passage differ more than passages of one source do.
        self.until = list(itertools.accumulate(min(len(g), MOST_COUNTED) for g in self.groups))

    def example(self,
                max_chars: int,
                max_turns: int = 1,
                index: "int | None" = None,
                answerable: bool = False) -> Example:
        """A passage with its questions among others of the same and other documents.

        The first question is about the passage of group `index`; more than one turn asks about all passages.
        Some examples hold a question about another passage, unless all must be `answerable`.
        """
        rng = self.rng
        index = self._drawn() if index is None else index
        group = self.groups[index]
        items = rng.sample(group, min(len(group), max_turns))
        right = self._passage(items[0], max_chars)
        shown = [(right, items)]
        used, left = {index}, max_chars - len(right.text)
        while left > 150 and rng.random() < 0.85:
            at = self._other(index)
            if at in used:
                continue
            used.add(at)
            other = self.groups[at]
            shown.append((self._passage(other[0], min(850, left)), other))
            left -= len(shown[-1][0].text)
        rng.shuffle(shown)
        asked = [(number, passage, item)
                 for number, (passage, of) in enumerate(shown, 1)
                 for item in of
                 if passage is right or max_turns > 1]
        first = next(a for a in asked if a[2] is items[0])
        asked.remove(first)
        asked = [first] + rng.sample(asked, min(len(asked), max_turns - 1))
        turns = []
        for number, passage, item in asked:
            if item["answer"] in passage.text:
                gold = item["answer"]
                turns.append(
                    (item["question"], f"{' '.join(gold.split())} [{number}]", gold, number))
        if not answerable and rng.random() < 0.15:
            foreign = rng.choice(rng.choice(self.groups))
            turns.append((foreign["question"], NO_ANSWER, None, 0))
            turns = turns[-1:] if max_turns == 1 else turns
        if max_turns > 1:
            rng.shuffle(turns)
        return ask("answer", [passage for passage, _ in shown], turns, "comprehension")

    def _drawn(self) -> int:
        """A group by its number of questions."""
        return bisect.bisect(self.until, self.rng.randrange(self.until[-1]))

    def _other(self, index: int) -> int:
        near = index + self.rng.choice([-2, -1, 1, 2])
        return near if self.rng.random() < 0.5 and 0 <= near < len(self.groups) else self._drawn()

    def _passage(self, item: dict, most: int) -> Passage:
        text = _shortened(item["context"], item["answer"], self.rng, min(most, 850))
        first = " ".join(text.split()[:self.rng.randint(2, 6)])
        return Passage(first.strip(".,:;"), [], text, [])


class Summaries:
    """Summaries that people wrote, as examples of the summarize step."""

    def __init__(self, folder: pathlib.Path, rng: random.Random):
        self.rng = rng
        self.items = [
            i for i in _lines(folder / "tasks.jsonl.xz")
            if i["source"].split(":")[0] in SUMMARY_SOURCES
        ]

    def example(self, max_chars: int) -> Example:
        """A text of at most `max_chars` and its summary."""
        item = self.rng.choice(self.items)
        text = item["input"]
        if len(text) > max_chars:
            text = text[:text.rfind(". ", 0, max_chars) + 1] or text[:max_chars]
        passage = Passage("Document", [], text, [])
        messages = PROMPTS.render("summarize", rendered([passage]))
        return Example(messages[0]["content"], [Turn(messages[1]["content"], item["output"], None)],
                       "summarize")


def prose(folder: pathlib.Path) -> Iterator[str]:
    """The documents of prose.txt.xz, in file order."""
    lines: list[str] = []
    with lzma.open(folder / "prose.txt.xz", "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip() == "<|doc|>":
                if lines:
                    yield "".join(lines).strip()
                lines = []
            else:
                lines.append(line)
    if lines:
        yield "".join(lines).strip()
