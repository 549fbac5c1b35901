"""Facts about anything: frames of frames.txt filled with common words, thousands of combinations.

The domains teach how documents of a kind speak; these teach to find what a question names by its
words, since no combination comes often enough to be learned.
"""

import dataclasses
import functools
import pathlib
import random
import zlib

EVERY = 7  # one word in so many is kept for evaluation


@dataclasses.dataclass(frozen=True)
class Frame:
    """Statements and questions about a thing {n}; `kind` is the type of their value."""

    kind: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]


def _sections(name: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current = None
    for line in pathlib.Path(__file__).with_name(name).read_text("utf-8").split("\n"):
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line and current is not None:
            current.append(line)
    return sections


@functools.cache
def frames(split: str) -> tuple[Frame, ...]:
    """All frames of a split."""
    out = []
    for line in _sections("frames.txt")[split]:
        kind, statements, questions = line.split(" | ")
        out.append(Frame(kind, tuple(statements.split("; ")), tuple(questions.split("; "))))
    return tuple(out)


@functools.cache
def words(section: str, split: str) -> tuple[str, ...]:
    """The words of a section that belong to a split."""
    listed = dict.fromkeys(" ".join(_sections("words.txt")[section]).split())
    return tuple(w for w in listed if (zlib.crc32(w.encode()) % EVERY == 0) == (split == "eval"))


class Things:
    """Draws things of common words of one split."""

    def __init__(self, rng: random.Random, split: str):
        self.rng = rng
        self.split = split

    def _word(self, section: str) -> str:
        return self.rng.choice(words(section, self.split))

    def thing(self) -> str:
        """Without an article: "copper valve", "valve of the steam engine"."""
        noun = self._word("noun")
        form = self.rng.random()
        if form < 0.25:
            return noun
        if form < 0.6:
            return f"{self._word('modifier')} {noun}"
        if form < 0.85:
            return f"{self._word('noun')} {noun}"
        return f"{noun} of the {self._word('noun')}"

    def done(self) -> str:
        """A past participle that is the past tense too."""
        return self._word("verb")
