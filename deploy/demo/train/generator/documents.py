"""Writes invented documents: what one domain can tell, set out in sections."""

import dataclasses
import random

from . import layout
from .domains import load
from .facts import Fact, FactWriter
from .phrases import phrases


@dataclasses.dataclass
class Section:
    """A heading, its text, and the facts in it."""

    heading: str
    blocks: list[str]  # paragraphs, lists or tables
    facts: list[list[Fact]]  # per block


@dataclasses.dataclass
class Document:
    """A document with what can be asked about it and what cannot be answered from it."""

    title: str
    sections: list[Section]
    absent: list[Fact]

    def told(self) -> list[Fact]:
        """All facts that it tells, in order."""
        return [fact for section in self.sections for block in section.facts for fact in block]

    def about(self) -> str:
        """The sentence that says what it is about, on one line."""
        return self.sections[0].blocks[0].replace("\n", " ")


class Writer:
    """Writes documents of one split."""

    def __init__(self, rng: random.Random, split: str):
        self.rng = rng
        self.split = split

    def document(self, max_facts: int) -> Document:
        """A document with at most `max_facts` facts in sentences, and perhaps a table."""
        rng = self.rng
        domain = rng.choice(load(self.split))
        writer = FactWriter(rng, self.split, domain)
        facts = writer.facts()
        rng.shuffle(facts)
        told, absent = facts[:max_facts], facts[max_facts:]
        self._ask_by_role(told)
        size = rng.randint(2, 5)
        groups = [told[i:i + size] for i in range(0, len(told), size)]
        sections = [self._section(layout.block(group, rng, self.split), group) for group in groups]
        absent += self._insert_table(writer, sections)
        about = writer.fill(rng.choice(domain.about), e=writer.entity)
        sections[0].blocks.insert(0, about)
        sections[0].facts.insert(0, [])
        title = writer.fill(rng.choice(domain.titles), e=writer.entity)
        document = Document(title, sections, absent + writer.foreign())
        known = {(fact.key, fact.item) for fact in document.told()}
        document.absent = [f for f in document.absent if (f.key, f.item) not in known]
        return document

    @staticmethod
    def _ask_by_role(told: list[Fact]) -> None:
        """Two-hop questions, where the document tells who has the role, too."""
        keys = {fact.key for fact in told}
        for fact in told:
            if fact.role in keys:
                fact.questions = fact.role_questions + fact.questions

    def _section(self, block: str, facts: list[Fact]) -> Section:
        return Section(self.rng.choice(phrases(self.split, "heading")), [block], [facts])

    def _insert_table(self, writer: FactWriter, sections: list[Section]) -> list[Fact]:
        """Puts a table somewhere, or not; returns what could be asked but is not told."""
        draw = self.rng.random()
        table = (writer.item_table()
                 if draw < 0.27 else writer.year_table() if draw < 0.4 else None)
        if table is None:
            return []
        header, rows, facts, missing = table
        section = self._section(layout.table(header, rows, self.rng), facts)
        sections.insert(self.rng.randint(0, len(sections)), section)
        return missing
