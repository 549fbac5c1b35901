"""Examples: prompts exactly as the orchestrator sends them, with the answers a model should give.

An example holds one prompt and one or more questions about it. More than one is a conversation:
the passages are read once and asked about several times, which teaches more per token.
"""

import dataclasses
import pathlib
import random
import sys

from .documents import Document, Writer
from .facts import Fact
from .passages import Passage, passages_of

sys.path.append(str(pathlib.Path(__file__).resolve().parents[4] / "services/orchestrator/prompts"))
import prompts as orchestrator  # noqa: E402  (the one place of prompt formats)

PROMPTS = orchestrator.Prompts()
NO_ANSWER = PROMPTS.no_answer
ABSENT_SHARE = 0.22  # of questions have no answer, if nothing else is said


@dataclasses.dataclass
class Turn:
    """One question to the model and the answer it should give."""

    user: str
    answer: str  # with citations
    gold: "str | None"  # the answer alone; None where the passages do not tell
    citation: int = 0  # number of the right passage; 0 without an answer


@dataclasses.dataclass
class Example:
    """A system message and turns; the first turn's user message holds the passages."""

    system: str
    turns: list[Turn]
    kind: str


def rendered(passages: list[Passage]) -> list:
    """Passages as prompts.py takes them."""
    return [orchestrator.Passage(p.title, p.text, list(p.headings)) for p in passages]


def ask(step: str, passages: list[Passage], turns: "list[tuple[str, str, str | None, int]]",
        kind: str) -> Example:
    """An example of a question step; `turns` are (question, answer, gold, citation)."""
    messages = PROMPTS.render(step, rendered(passages), turns[0][0])
    out = [Turn(messages[1]["content"], *turns[0][1:])]
    for question, *rest in turns[1:]:
        question = orchestrator.escape_markers(question)
        out.append(Turn(f"Question: {question}", *rest))
    return Example(messages[0]["content"], out, kind)


class Tasks:
    """Makes examples from generated documents of one split."""

    def __init__(self, rng: random.Random, split: str, absent_share: float = ABSENT_SHARE):
        self.rng = rng
        self.absent_share = absent_share
        self.writer = Writer(rng, split)

    def example(self, max_chars: int, max_turns: int = 1) -> Example:
        """One example with about `max_chars` of passages."""
        draw = self.rng.random()
        if draw < 0.70:
            return self.question("answer", max_chars, max_turns)
        if draw < 0.80:
            return self.question("map_question", max_chars, max_turns)
        if draw < 0.85:
            return self.reduce(max_chars)
        if draw < 0.91:
            return self.refine(max_chars)
        if draw < 0.95:
            return self.summarize(max_chars)
        if draw < 0.98:
            return self.merge(max_chars)
        return self.refine_summary(max_chars)

    # --- questions --------------------------------------------------------------------------------

    def passages(self, max_chars: int) -> tuple[list[Document], list[Passage]]:
        """Passages of one or more documents, as many as fit; documents stay together."""
        documents, passages, left = [], [], max_chars
        size = min(850, max(160, max_chars // 2))
        while left > 80 or not passages:
            document = self.writer.document(self.rng.randint(2, 6 if max_chars < 700 else 16))
            cut = passages_of(document, self.rng, size)
            # Retrieval finds some of the passages only.
            keep = sorted(self.rng.sample(range(len(cut)), self.rng.randint(1, len(cut))))
            taken = []
            for index in keep:
                if len(cut[index].text) <= left or (not taken and not passages):
                    taken.append(cut[index])
                    left -= len(cut[index].text) + len(cut[index].title) + 10
            if not taken:
                break
            told = {id(f) for p in taken for f in p.facts}
            document.absent += [f for p in cut for f in p.facts if id(f) not in told]
            documents.append(document)
            passages += taken
            if self.rng.random() < 0.1:
                break
        return documents, passages

    def question(self, step: str, max_chars: int, max_turns: int) -> Example:
        """A question step; each turn is answered from a passage or has no answer."""
        documents, passages = self.passages(max_chars)
        told = [(number, fact) for number, p in enumerate(passages, 1) for fact in p.facts]
        if not told:
            return self.question(step, max_chars, max_turns)
        absent = [fact for document in documents for fact in document.absent]
        self.rng.shuffle(told)
        self.rng.shuffle(absent)
        turns = []
        for _ in range(self.rng.randint((max_turns + 1) // 2, max_turns)):
            if self.rng.random() < self.absent_share and absent:
                turns.append((self._asked(absent.pop(), documents), NO_ANSWER, None, 0))
            elif told:
                number, fact = told.pop()
                text = fact.note if step == "map_question" else fact.answer
                turns.append((self._asked(fact,
                                          documents), f"{text} [{number}]", fact.answer, number))
        if not turns:
            return self.question(step, max_chars, max_turns)
        return ask(step, passages, turns, step)

    def _asked(self, fact: Fact, documents: list[Document]) -> str:
        """A question for the fact, which names its entity where several documents tell the like."""
        question = self.rng.choice(fact.questions)
        similar = any(other.entity != fact.entity and set(other.questions) & set(fact.questions)
                      for document in documents
                      for other in document.told())
        named = similar or self.rng.random() < 0.15
        if named and question.endswith("?") and fact.entity not in question:
            form = self.rng.choice([" at {}?", " according to the text about {}?", " ({})?"])
            question = question[:-1] + form.format(fact.entity)
        return question

    def _fact_of(self, passages: list[Passage]) -> "tuple[int, Fact] | None":
        told = [(number, fact) for number, p in enumerate(passages, 1) for fact in p.facts]
        return self.rng.choice(told) if told else None

    def reduce(self, max_chars: int) -> Example:
        """Notes of several parts, one of which answers; the markers are theirs."""
        facts = []
        while len(facts) < self.rng.randint(2, 5):
            document = self.writer.document(self.rng.randint(3, 9))
            facts += document.told()[:self.rng.randint(1, 2)]
        numbers = list(range(1, len(facts) + 1))
        notes = [f"{fact.note} [{number}]" for fact, number in zip(facts, numbers)]
        if self.rng.random() < 0.15:
            asked = self.rng.choice(document.absent) if document.absent else None
            if asked:
                return self._reduced(notes, asked.questions[0], NO_ANSWER, None, 0)
        index = self.rng.randrange(len(facts))
        fact = facts[index]
        return self._reduced(notes, self.rng.choice(fact.questions), f"{fact.answer} [{index + 1}]",
                             fact.answer, index + 1)

    @staticmethod
    def _reduced(notes: list[str], question: str, answer: str, gold: "str | None",
                 citation: int) -> Example:
        messages = PROMPTS.render("reduce_question", question=question, notes=notes)
        return Example(messages[0]["content"],
                       [Turn(messages[1]["content"], answer, gold, citation)], "reduce_question")

    def refine(self, max_chars: int) -> Example:
        """An answer so far and new passages, which mostly add nothing and sometimes correct it."""
        documents, passages = self.passages(max_chars)
        found = self._fact_of(passages)
        other = self.writer.document(8)
        others = other.told()
        if not others or (found is None):
            return self.question("answer", max_chars, 1)
        outside = len(passages) + 1
        if self.rng.random() < 0.6:
            fact = self.rng.choice(others)
            so_far = answer = f"{fact.answer} [{outside}]"
            gold, citation, question = fact.answer, outside, self.rng.choice(fact.questions)
        else:
            number, fact = found
            wrong = self.rng.choice(others)
            so_far = f"{wrong.answer} [{outside}]"
            answer, gold, citation = f"{fact.answer} [{number}]", fact.answer, number
            question = self._asked(fact, documents)
        messages = PROMPTS.render("refine_question", rendered(passages), question, answer=so_far)
        return Example(messages[0]["content"],
                       [Turn(messages[1]["content"], answer, gold, citation)], "refine_question")

    # --- summaries --------------------------------------------------------------------------------

    def _summary(self, document: Document, most: int) -> str:
        """What the document is about and its first facts, in its own words."""
        notes = [f.note.rstrip(".") + "." for f in document.told()][:most]
        return " ".join([document.about()] + notes)

    def summarize(self, max_chars: int) -> Example:
        """Passages of one document; the summary is its beginning and its first facts."""
        document = self.writer.document(self.rng.randint(2, 10))
        passages = passages_of(document, self.rng, min(850, max_chars))
        while len(passages) > 1 and sum(len(p.text) for p in passages) > max_chars:
            passages.pop()
        messages = PROMPTS.render("summarize", rendered(passages))
        return Example(
            messages[0]["content"],
            [Turn(messages[1]["content"], self._summary(document, self.rng.choice([1, 2])), None)],
            "summarize")

    def merge(self, max_chars: int) -> Example:
        """Notes, each a summary; the merged one holds the first sentence of each."""
        documents = [
            self.writer.document(self.rng.randint(2, 5)) for _ in range(self.rng.randint(2, 4))
        ]
        notes = [self._summary(d, 1) for d in documents]
        answer = " ".join(d.about() for d in documents)
        messages = PROMPTS.render("merge_summaries", notes=notes)
        return Example(messages[0]["content"], [Turn(messages[1]["content"], answer, None)],
                       "merge_summaries")

    def refine_summary(self, max_chars: int) -> Example:
        """A summary so far and a further document; its beginning is added."""
        before, document = self.writer.document(4), self.writer.document(self.rng.randint(2, 6))
        passages = passages_of(document, self.rng, min(850, max_chars))[:2]
        so_far = self._summary(before, 1)
        answer = so_far + " " + document.about()
        messages = PROMPTS.render("refine_summary", rendered(passages), answer=so_far)
        return Example(messages[0]["content"], [Turn(messages[1]["content"], answer, None)],
                       "refine_summary")
