"""Writes invented documents: facts of one domain, stated in prose, lists, questions and tables."""

import dataclasses
import random
import re
import textwrap

from .domains import Domain, FactType, load
from .phrases import phrases
from .values import Values

SLOT = re.compile(r"\{([a-z0-9-]+)\}")
CONTRASTED = {
    "money", "cents", "percent", "percent1", "bigmoney", "days", "weeks", "hours", "date", "time",
    "bigcount", "person", "temp", "kg", "minutes"
}


@dataclasses.dataclass
class Fact:
    """Something that a document tells, or could have told."""

    questions: list[str]
    answer: str  # literally in the document, but for line breaks
    note: str  # the sentence that tells it
    key: str  # label for tables and lists of fields
    item: str = ""
    entity: str = ""
    of_field: bool = False  # may be written as "Key: answer"
    role: str = ""  # the fact that must be told too for `role_questions` to have an answer
    role_questions: list[str] = dataclasses.field(default_factory=list)


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
    entity: str
    sections: list[Section]
    absent: list[Fact]


def capitalized(text: str) -> str:
    """The first letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


class Writer:
    """Writes documents of one split."""

    def __init__(self, rng: random.Random, split: str):
        self.rng = rng
        self.split = split

    def document(self, max_facts: int) -> Document:
        """A document with at most about `max_facts` facts."""
        rng = self.rng
        domain = rng.choice(load(self.split))
        self.values = Values(rng, self.split)
        entity = self._fill(rng.choice(domain.entities))
        self.entity = entity
        title = self._fill(rng.choice(domain.titles), e=entity)
        items = self._items(domain)
        facts = self._facts(domain, items)
        rng.shuffle(facts)
        told, absent = facts[:max_facts], facts[max_facts:]
        self._ask_by_role(told)
        groups = self._group(told)
        sections = [self._section(group) for group in groups]
        if rng.random() < 0.3:
            table = self._table(domain)
            if table:
                sections.insert(rng.randint(0, len(sections)), table[0])
                absent += table[1]
        about = self._fill(rng.choice(domain.about), e=entity)
        sections[0].blocks.insert(0, about)
        sections[0].facts.insert(0, [])
        told_keys = {(f.key, f.item) for s in sections for block in s.facts for f in block}
        absent = [f for f in absent if (f.key, f.item) not in told_keys]
        return Document(title, entity, sections, absent + self._foreign_items(domain, items))

    # --- facts ------------------------------------------------------------------------------------

    def _fill(self, template: str, **known: str) -> str:
        return SLOT.sub(lambda m: known[m[1]]
                        if m[1] in known else self.values.slot(m[1]), template)

    def _items(self, domain: Domain) -> list[str]:
        count = self.rng.randint(2, 4) if domain.items else 0
        return list(dict.fromkeys(self._fill(self.rng.choice(domain.items)) for _ in range(count)))

    def _facts(self, domain: Domain, items: list[str]) -> list[Fact]:
        facts = []
        for kind in domain.facts:
            for item in (items if kind.of_item else [""]):
                facts.append(self._fact(kind, item))
        facts += self._person_facts(facts)
        facts += self._rules()
        if items:
            facts += self._only(domain, items)
        return facts

    def _fact(self, kind: FactType, item: str) -> Fact:
        value = self.values.draw(kind.kind)
        shown = value
        if kind.kind.split(" ")[0] in CONTRASTED and self.rng.random() < 0.15:
            other = self.values.draw(kind.kind)
            if other != value:
                shown = self.rng.choice(phrases(self.split, "earlier")).format(v=value, x=other)
        template = self.rng.choice(kind.statements)
        if template.endswith("{}.") and shown.endswith(","):
            shown = shown[:-1]
        note = capitalized(self._fill(template.replace("{}", "\0"), i=item, e=self.entity))
        note = capitalized(note.replace("\0", shown))
        fill = {"i": item, "e": self.entity}
        questions = [self._fill(q, **fill) for q in kind.questions]
        label = kind.label.replace(" of part", "").replace(" of division",
                                                           "").replace(" of signal", "")
        form = "item_question" if item else "label_question"
        questions.append(
            capitalized(self.rng.choice(phrases(self.split, form)).format(l=label, i=item)))
        answer = value if value in note else capitalized(value)
        return Fact([capitalized(q) for q in questions],
                    answer,
                    note,
                    capitalized(label),
                    item,
                    self.entity,
                    of_field=not kind.kind.startswith("["))

    def _person_facts(self, facts: list[Fact]) -> list[Fact]:
        """What else is told about people."""
        out = []
        people = [(f.answer, f.key) for f in facts if self._is_person(f)]
        for person, role in people[:2]:
            line = self.rng.choice(phrases(self.split, "person_fact")).split(" | ")
            value = self.values.draw(line[0])
            name = person.removeprefix("Dr. ") if self.rng.random() < 0.3 else person
            note = self.rng.choice(line[1:3]).format(p=name, v=value)
            named = [q.format(p=name) for q in line[3:]]
            by_role = [q.format(p="the " + role.lower()) for q in line[3:]]
            out.append(
                Fact(named,
                     value,
                     note,
                     line[0] + person,
                     entity=self.entity,
                     role=role,
                     role_questions=by_role))
        return out

    @staticmethod
    def _ask_by_role(told: list[Fact]) -> None:
        """Two-hop questions, where the document tells who has the role, too."""
        keys = {fact.key for fact in told}
        for fact in told:
            if fact.role in keys:
                fact.questions = fact.role_questions + fact.questions

    @staticmethod
    def _is_person(fact: Fact) -> bool:
        return not fact.item and "@" not in fact.answer and fact.key.lower() in {
            "head librarian", "founder", "head teacher", "mayor", "manager", "warden", "chair",
            "minute taker", "new treasurer", "managing director", "discoverer", "repair lead",
            "mentor", "leader", "contact", "owner", "director", "cook", "author", "coach",
            "president", "lifeguard", "lead developer", "chief physician", "organiser",
            "chief scientist", "caretaker"
        }

    def _rules(self) -> list[Fact]:
        noun, verb = self.rng.choice(phrases(self.split, "rule")).split(" | ")
        allowed = self.rng.random() < 0.5
        word = "allowed" if allowed else self.rng.choice(["not allowed", "forbidden"])
        note = f"{noun} is {word} here." if self.rng.random() < 0.5 else f"{noun} is {word}."
        answer = word
        questions = [
            f"Is {noun.lower()} allowed?", f"May one {verb} here?", f"Is it allowed to {verb}?"
        ]
        return [Fact(questions, answer, note, noun, entity=self.entity)]

    def _only(self, domain: Domain, items: list[str]) -> list[Fact]:
        if len(items) < 2:
            return []
        thing = self.rng.choice(phrases(self.split, "thing"))
        statement, question = self.rng.choice(phrases(self.split, "only")).split(" | ")
        item = self.rng.choice(items)
        fill = {"i": item, "t": thing, "w": domain.item_word}
        note = capitalized(statement.format(**fill))
        return [
            Fact([question.format(**fill)],
                 item if item in note else capitalized(item),
                 note,
                 thing,
                 entity=self.entity)
        ]

    def _foreign_items(self, domain: Domain, items: list[str]) -> list[Fact]:
        """Facts of an item that the document does not know: questions without an answer."""
        kinds = [k for k in domain.facts if k.of_item]
        item = self._fill(self.rng.choice(domain.items)) if kinds else ""
        if not kinds or item in items:
            return []
        return [self._fact(kind, item) for kind in kinds]

    # --- text -------------------------------------------------------------------------------------

    def _group(self, facts: list[Fact]) -> list[list[Fact]]:
        size = self.rng.randint(2, 5)
        return [facts[i:i + size] for i in range(0, len(facts), size)] or [[]]

    def _section(self, facts: list[Fact]) -> Section:
        heading = self.rng.choice(phrases(self.split, "heading"))
        form = self.rng.random()
        if form < 0.6:
            block = self._prose(facts)
        elif form < 0.72:
            block = "\n".join(self.rng.choice(["- {}", "* {}"]).format(f.note) for f in facts)
        elif form < 0.84:
            block = self._faq(facts)
        else:
            block = self._fields(facts)
        return Section(heading, [block], [facts])

    def _prose(self, facts: list[Fact]) -> str:
        sentences = [f.note for f in facts]
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            sentences.insert(self.rng.randint(0, len(sentences)),
                             self.rng.choice(phrases(self.split, "filler")))
        text = " ".join(sentences)
        if self.rng.random() < 0.4:
            text = textwrap.fill(text,
                                 self.rng.randint(60, 100),
                                 break_on_hyphens=False,
                                 break_long_words=False)
        return text

    def _faq(self, facts: list[Fact]) -> str:
        form = self.rng.choice(["**{q}** {a}", "Q: {q}\nA: {a}", "{q}\n{a}", "{q} {a}"])
        lines = []
        for fact in facts:
            question = fact.questions[0]
            short = self.rng.random() < 0.4 and fact.of_field
            lines.append(
                form.format(q=question, a=capitalized(fact.answer) + "." if short else fact.note))
            if short:
                fact.answer = capitalized(fact.answer)
                fact.note = f"{question} {fact.answer}."
            if len(fact.questions) > 1 and self.rng.random() < 0.7:
                fact.questions = fact.questions[1:]
        return ("\n\n" if "\n" in form else "\n").join(lines)

    def _fields(self, facts: list[Fact]) -> str:
        lines = []
        for fact in facts:
            if fact.of_field:
                key = f"{fact.key}, {fact.item}" if fact.item else fact.key
                fact.note = f"{key}: {fact.answer}"
            lines.append(fact.note)
        return "\n".join(lines)

    def _table(self, domain: Domain) -> "tuple[Section, list[Fact]] | None":
        kinds = [k for k in domain.facts if k.of_item and not k.kind.startswith("[")]
        if not kinds:
            return None
        kinds = self.rng.sample(kinds, min(len(kinds), self.rng.randint(1, 3)))
        items = list(
            dict.fromkeys(
                self._fill(self.rng.choice(domain.items)) for _ in range(self.rng.randint(3, 7))))
        rows, facts = [], []
        for item in items:
            row = [self._fact(kind, item) for kind in kinds]
            for fact in row:
                # The value alone stands in a table; what it was before does not.
                fact.note = f"{capitalized(item)}, {fact.key.lower()}: {fact.answer}"
            rows.append([capitalized(item)] + [fact.answer for fact in row])
            facts += row
        header = [capitalized(domain.item_word)] + [fact.key for fact in facts[:len(kinds)]]
        section = Section(self.rng.choice(phrases(self.split, "heading")),
                          [self._layout(header, rows)], [facts])
        missing = [
            self._fact(kind, item) for kind in domain.facts if kind.of_item and kind not in kinds
            for item in items[:1]
        ]
        return section, missing

    def _layout(self, header: list[str], rows: list[list[str]]) -> str:
        form = self.rng.random()
        if form < 0.5:
            lines = [header, ["---"] * len(header)] + rows
            return "\n".join("| " + " | ".join(line) + " |" for line in lines)
        if form < 0.75:
            widths = [max(len(row[i]) for row in [header] + rows) + 2 for i in range(len(header))]
            return "\n".join("".join(cell.ljust(w)
                                     for cell, w in zip(row, widths)).rstrip()
                             for row in [header] + rows)
        return "\n".join(f"{row[0]}: " + ", ".join(f"{key.lower()} {cell}"
                                                   for key, cell in zip(header[1:], row[1:]))
                         for row in rows)
