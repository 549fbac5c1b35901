"""Draws facts of a domain: values, the sentences that tell them, the questions that ask for them."""

import dataclasses
import random
import re

from .domains import Domain, FactType
from .frames import Things, frames
from .phrases import phrases
from .values import Values

SLOT = re.compile(r"\{([a-z0-9-]+)\}")
CONTRASTED = {
    "money", "cents", "percent", "percent1", "bigmoney", "days", "weeks", "hours", "date", "time",
    "bigcount", "person", "temp", "kg", "minutes"
}
COUNTED = {"money", "percent", "percent1", "bigmoney", "bigcount", "count", "hours", "cents"}
# Labels of facts about the whole document whose value is a person with a role.
ROLES = {
    "head librarian", "founder", "head teacher", "mayor", "manager", "warden", "chair",
    "minute taker", "new treasurer", "managing director", "discoverer", "repair lead", "mentor",
    "leader", "contact", "owner", "director", "cook", "author", "coach", "president", "lifeguard",
    "lead developer", "chief physician", "organiser", "chief scientist", "caretaker"
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


def capitalized(text: str) -> str:
    """The first letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


class FactWriter:
    """Draws what one document could tell."""

    def __init__(self, rng: random.Random, split: str, domain: Domain):
        self.rng = rng
        self.split = split
        self.domain = domain
        self.values = Values(rng, split)
        self.entity = self.fill(rng.choice(domain.entities))
        self.items = self.draw_items(rng.randint(2, 4)) if domain.items else []

    def phrase(self, section: str) -> str:
        """A line of a section of phrases.txt."""
        return self.rng.choice(phrases(self.split, section))

    def fill(self, template: str, **known: str) -> str:
        return SLOT.sub(lambda m: known[m[1]]
                        if m[1] in known else self.values.slot(m[1]), template)

    def draw_items(self, count: int) -> list[str]:
        """At most `count` different items."""
        drawn = (self.fill(self.rng.choice(self.domain.items)) for _ in range(count))
        return list(dict.fromkeys(drawn))

    def facts(self) -> list[Fact]:
        """All facts that sentences can tell, in a fixed order."""
        facts = []
        for kind in self.domain.facts:
            for item in (self.items if kind.of_item else [""]):
                facts.append(self.fact(kind, item))
        facts += self._person_facts(facts) + self._rules() + self._only()
        return facts + [self.framed() for _ in range(max(2, len(facts) // 2))]

    def fact(self, kind: FactType, item: str) -> Fact:
        """A fact with a new value."""
        value = self.values.draw(kind.kind)
        shown = value
        if kind.kind.split(" ")[0] in CONTRASTED and self.rng.random() < 0.15:
            other = self.values.draw(kind.kind)
            if other != value:
                shown = self.phrase("earlier").format(v=value, x=other)
        template = self.rng.choice(kind.statements)
        if template.endswith("{}.") and shown.endswith(","):
            shown = shown[:-1]
        note = capitalized(self.fill(template.replace("{}", "\0"), i=item, e=self.entity))
        note = capitalized(note.replace("\0", shown))
        fill = {"i": item, "e": self.entity}
        questions = [self.fill(q, **fill) for q in kind.questions]
        label = kind.label.replace(" of part", "").replace(" of division",
                                                           "").replace(" of signal", "")
        form = "item_question" if item else "label_question"
        questions.append(capitalized(self.phrase(form).format(l=label, i=item)))
        answer = value if value in note else capitalized(value)
        return Fact([capitalized(q) for q in questions],
                    answer,
                    note,
                    capitalized(label),
                    item,
                    self.entity,
                    of_field=not kind.kind.startswith("["))

    def framed(self) -> Fact:
        """A fact about anything."""
        things = Things(self.rng, self.split)
        frame = self.rng.choice(frames(self.split))
        value = f"the {things.thing()}" if frame.kind == "thing" else self.values.draw(frame.kind)
        thing = things.thing()
        fill = {
            "n": thing,
            "m": things.thing(),
            "ved": things.done(),
            "p": self.values.slot("person"),
            "o": self.values.slot("org")
        }
        note = capitalized(
            self.fill(self.rng.choice(frame.statements), **fill).replace("{}", value))
        answer = value if value in note else capitalized(value)
        questions = [self.fill(question, **fill) for question in frame.questions]
        return Fact(questions, answer, note, capitalized(thing), thing, self.entity)

    def _person_facts(self, facts: list[Fact]) -> list[Fact]:
        """What else is told about people."""
        out = []
        people = [(f.answer, f.key) for f in facts if self._is_person(f)]
        for person, role in people[:2]:
            line = self.phrase("person_fact").split(" | ")
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
    def _is_person(fact: Fact) -> bool:
        return not fact.item and "@" not in fact.answer and fact.key.lower() in ROLES

    def _rules(self) -> list[Fact]:
        noun, verb = self.phrase("rule").split(" | ")
        allowed = self.rng.random() < 0.5
        word = "allowed" if allowed else self.rng.choice(["not allowed", "forbidden"])
        note = f"{noun} is {word} here." if self.rng.random() < 0.5 else f"{noun} is {word}."
        answer = word
        questions = [
            f"Is {noun.lower()} allowed?", f"May one {verb} here?", f"Is it allowed to {verb}?"
        ]
        return [Fact(questions, answer, note, noun, entity=self.entity)]

    def _only(self) -> list[Fact]:
        """What one item has, or lacks, alone."""
        if len(self.items) < 2:
            return []
        statement, question = self.phrase("only").split(" | ")
        item = self.rng.choice(self.items)
        thing = self.phrase("thing")
        fill = {"i": item, "t": thing, "w": self.domain.item_word}
        note = capitalized(statement.format(**fill))
        answer = item if item in note else capitalized(item)
        return [Fact([question.format(**fill)], answer, note, thing, entity=self.entity)]

    def foreign(self) -> list[Fact]:
        """Facts of an item that the document does not know: questions without an answer."""
        kinds = [k for k in self.domain.facts if k.of_item]
        item = self.fill(self.rng.choice(self.domain.items)) if kinds else ""
        if not kinds or item in self.items:
            return []
        return [self.fact(kind, item) for kind in kinds]

    # --- tables -----------------------------------------------------------------------------------

    def item_table(self) -> "tuple[list[str], list[list[str]], list[Fact], list[Fact]] | None":
        """Items by facts: header, rows, facts told, facts that the table does not tell."""
        kinds = [k for k in self.domain.facts if k.of_item and not k.kind.startswith("[")]
        if not kinds:
            return None
        kinds = self.rng.sample(kinds, min(len(kinds), self.rng.randint(1, 3)))
        items = self.draw_items(self.rng.randint(3, 7))
        rows, facts = [], []
        for item in items:
            row = [self.fact(kind, item) for kind in kinds]
            for fact in row:
                # The value alone stands in a table; what it was before does not.
                fact.note = f"{capitalized(item)}, {fact.key.lower()}: {fact.answer}"
            rows.append([capitalized(item)] + [fact.answer for fact in row])
            facts += row
        header = [capitalized(self.domain.item_word)] + [fact.key for fact in facts[:len(kinds)]]
        others = [k for k in self.domain.facts if k.of_item and k not in kinds]
        return header, rows, facts, [self.fact(kind, items[0]) for kind in others]

    def year_table(self) -> "tuple[list[str], list[list[str]], list[Fact], list[Fact]] | None":
        """Figures of two or three years, as item_table; what is not told is another year."""
        kinds = [k for k in self.domain.facts if not k.of_item and k.kind.split(" ")[0] in COUNTED]
        if not kinds:
            return None
        kinds = self.rng.sample(kinds, min(len(kinds), self.rng.randint(1, 4)))
        years = [str(self.values.year - n) for n in range(self.rng.randint(2, 3))]
        rows, facts, missing = [], [], []
        for kind in kinds:
            row = [self._figure(kind, year) for year in years]
            rows.append([row[0].key] + [fact.answer for fact in row])
            facts += row
            missing.append(self._figure(kind, str(self.values.year - 7)))
        return [""] + years, rows, facts, missing

    def _figure(self, kind: FactType, year: str) -> Fact:
        value = self.values.draw(kind.kind)
        question = capitalized(self.phrase("year_question").format(l=kind.label, y=year))
        return Fact([question], value, f"{capitalized(kind.label)}, {year}: {value}",
                    capitalized(kind.label), year, self.entity)
