"""Cuts documents into passages as retrieval does, with the facts that each passage tells."""

import dataclasses
import random
import re

from .documents import Document
from .facts import Fact


@dataclasses.dataclass
class Passage:
    """What stands under one number in a prompt."""

    title: str
    headings: list[str]
    text: str
    facts: list[Fact]


def file_name(title: str, rng: random.Random) -> str:
    """The title as the name of a file: "Rules of the Pool" -> "rules-of-the-pool.md"."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words) + rng.choice([".md", ".txt", ".md", ".pdf"])


def passages_of(document: Document, rng: random.Random, max_chars: int) -> list[Passage]:
    """Passages of about `max_chars` each, in order."""
    title = file_name(document.title, rng) if rng.random() < 0.35 else document.title
    with_headings = rng.random() < 0.6
    joined = rng.random() < 0.5
    passages: list[Passage] = []
    for section in document.sections:
        parts = [(block, facts) for block, facts in zip(section.blocks, section.facts)]
        if with_headings or rng.random() < 0.5:
            mark = rng.choice(["## {}", "{}", "{}"])
            parts[0] = (mark.format(section.heading) + "\n\n" + parts[0][0], parts[0][1])
        headings = [section.heading] if with_headings else []
        if not joined or not passages:
            passages.append(Passage(title, headings, "", []))
        for text, facts in parts:
            last = passages[-1]
            if last.text and len(last.text) + len(text) > max_chars:
                passages.append(Passage(title, headings, "", []))
                last = passages[-1]
            last.text = (last.text + "\n\n" + text).strip()
            last.facts = last.facts + facts
    return [p for p in passages if p.text]
