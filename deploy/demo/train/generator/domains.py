"""Reads the domain files: kinds of documents, their facts, and the ways to state and to ask them.

Format, one domain per block:

    = NAME | train or eval | TITLE; TITLE
    e: ENTITY; ENTITY              the subject of a document, with slots such as {place}
    about: SENTENCE; SENTENCE      how such a document begins
    i: ITEM; ITEM                  several of these stand in one document (optional)
    i-word: WORD                   what an item is called
    @ LABEL: TYPE                  a fact; {} in its sentences stands for its value (values.py)
    s: STATEMENT; STATEMENT
    q: QUESTION; QUESTION
"""

import dataclasses
import functools
import pathlib


@dataclasses.dataclass
class FactType:
    """One thing that documents of a domain may tell."""

    label: str
    kind: str
    statements: list[str] = dataclasses.field(default_factory=list)
    questions: list[str] = dataclasses.field(default_factory=list)

    @property
    def of_item(self) -> bool:
        return "{i}" in self.statements[0]


@dataclasses.dataclass
class Domain:
    """A kind of document."""

    name: str
    split: str
    titles: list[str]
    entities: list[str] = dataclasses.field(default_factory=list)
    about: list[str] = dataclasses.field(default_factory=list)
    items: list[str] = dataclasses.field(default_factory=list)
    item_word: str = ""
    facts: list[FactType] = dataclasses.field(default_factory=list)


def parse(text: str) -> list[Domain]:
    """The domains of one file."""
    domains: list[Domain] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        if line.startswith("= "):
            name, split, titles = line[2:].split(" | ")
            domains.append(Domain(name, split, titles.split("; ")))
            continue
        key, _, rest = line.partition(": ")
        domain, parts = domains[-1], rest.split("; ")
        if key.startswith("@ "):
            domain.facts.append(FactType(key[2:], rest))
        elif key == "e":
            domain.entities = parts
        elif key == "about":
            domain.about = parts
        elif key == "i":
            domain.items = parts
        elif key == "i-word":
            domain.item_word = rest
        elif key == "s":
            domain.facts[-1].statements = parts
        elif key == "q":
            domain.facts[-1].questions = parts
        else:
            raise ValueError(f"domain file: wanted a known key, have {line!r}")
    return domains


@functools.cache
def load(split: str) -> tuple[Domain, ...]:
    """All domains of a split."""
    folder = pathlib.Path(__file__).with_name("domains")
    domains = [d for path in sorted(folder.glob("*.txt")) for d in parse(path.read_text("utf-8"))]
    return tuple(domain for domain in domains if domain.split == split)
