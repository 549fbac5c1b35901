"""Questions made from sentences of real prose: a span is the answer, what is left of the sentence asks for it.

No one wrote these questions, and they read like it; but they are about words of all kinds, in sentences
that people wrote, and to answer them is to find the sentence with the same words and to copy the right part.

Source: Lewis, Denoyer and Riedel 2019, "Unsupervised question answering by cloze translation".
"""

import pathlib
import random
import re

import real_text
from generator.passages import Passage
from generator.tasks import NO_ANSWER, Example, ask

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"])")
PLAIN = re.compile(r"[A-Za-z0-9 ,.;:'\"()%$€£/!?–—-]+")
SMALL = frozenset(
    """a an the of to in on at by for with from as and or but if that which who whom whose this
these those it its is are was were be been being has have had do does did not no so than then there their
they them he she his her him we our us you your i my me can could may might will would shall should must
about after before between into over under when where while how what why also such only more most very"""
    .split())
UNITS = """percent|per cent|%|million|billion|years?|days?|hours?|minutes?|months?|weeks?|dollars|euros|pounds|
people|members|miles|metres|meters|kilometers|kilograms|students|times|pages""".replace("\n", "")
YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
NUMBER = re.compile(rf"[$€£]?\b\d[\d,]*(?:\.\d+)?(?:\s?(?:{UNITS})\b)?")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w'-]+(?: (?:of |the )?[A-Z][\w'-]+)*")
PHRASE = re.compile(r"\b(?:the|a|an|his|her|their|its) (?:[a-z'-]+ ){0,2}[a-z'-]+")
TAIL = re.compile(
    r"(?<= )(?:by|for|in|with|from|at|to|because|during|without|through) ([\w' -]{4,60})(?=[.,;])")
KINDS = (  # expression, group, words that ask for it
    (YEAR, 0, ("when", "in which year", "what year")),
    (NUMBER, 0, ("how many", "how much", "what number",
                 "how large a number")), (NAME, 0, ("who", "what", "which", "who or what")),
    (PHRASE, 0, ("what", "which thing", "what thing", "who")), (TAIL, 1, ("what", "which", "whom",
                                                                          "where")))
AROUND = (3, 9)  # words kept on either side of the answer
DROPPED = 0.12  # of the words of a question
PASSAGES_KEPT = 60_000


def words_of(text: str) -> set[str]:
    """The words that carry meaning, lower case."""
    return {w for w in re.findall(r"[a-z0-9]+", text.lower()) if w not in SMALL}


def spans(sentence: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Possible answers: begin, end, question words. Without small words at the end."""
    found = []
    for expression, group, asking in KINDS:
        for match in expression.finditer(sentence):
            begin, end = match.span(group)
            text = sentence[begin:end].rstrip()
            while text and text.split()[-1].lower() in SMALL and " " in text:
                text = text.rsplit(" ", 1)[0]
            if words_of(text) and not text.startswith("I'") and sentence.count(text) == 1:
                found.append((begin, begin + len(text), asking))
    return found


class Cloze:
    """Examples of the answer step whose questions are made from prose; part `part` of `parts` of it."""

    def __init__(self, folder: pathlib.Path, rng: random.Random, part: int = 0, parts: int = 1):
        self.rng = rng
        self.documents: list[list[Passage]] = []
        kept = 0
        for index, text in enumerate(real_text.prose(folder)):
            if index % parts != part:
                continue
            passages = self._cut(text)
            if passages:
                self.documents.append(passages)
                kept += len(passages)
            if kept >= PASSAGES_KEPT:
                break

    def _cut(self, text: str) -> list[Passage]:
        """Passages of plain sentences, in order."""
        size = self.rng.randint(200, 850)
        first = next((line.strip("# ").strip() for line in text.split("\n") if line.strip()), "")
        title = " ".join(first.split()[:8]).strip(".,:;") or "Document"
        passages: list[Passage] = []
        for paragraph in re.split(r"\n\s*\n", text):
            paragraph = " ".join(paragraph.split())
            if len(paragraph) < 60 or not PLAIN.fullmatch(paragraph):
                continue
            for sentence in SENTENCE.split(paragraph):
                if passages and len(passages[-1].text) + len(sentence) < size:
                    passages[-1].text += " " + sentence
                elif len(sentence) < size:
                    passages.append(Passage(title, [], sentence, []))
        return [p for p in passages if len(p.text) > 80]

    def example(self, max_chars: int, max_turns: int = 1) -> Example:
        """Passages of one or more documents and questions about them."""
        rng = self.rng
        while True:
            passages = self._passages(max_chars)
            asked: list[tuple[str, str, "str | None", int]] = []
            for _ in range(rng.randint((max_turns + 1) // 2, max_turns)):
                number = rng.randrange(len(passages))
                made = self.question(passages[number].text)
                if made:
                    asked.append((made[0], f"{made[1]} [{number + 1}]", made[1], number + 1))
            if rng.random() < 0.2:
                foreign = self.question(rng.choice(rng.choice(self.documents)).text)
                told = words_of(" ".join(p.text for p in passages))
                if foreign and not words_of(foreign[1]) <= told:
                    asked.insert(rng.randint(0, len(asked)), (foreign[0], NO_ANSWER, None, 0))
            if asked:
                return ask("answer", passages, asked[:max_turns], "cloze")

    def _passages(self, max_chars: int) -> list[Passage]:
        passages: list[Passage] = []
        left = max_chars
        while left > 80 or not passages:
            document = self.rng.choice(self.documents)
            for passage in self.rng.sample(document, min(len(document), self.rng.randint(1, 3))):
                if not passages or len(passage.text) <= left:
                    passages.append(passage)
                left -= len(passage.text)
            if self.rng.random() < 0.1:
                break
        self.rng.shuffle(passages)
        return passages

    def question(self, text: str) -> "tuple[str, str] | None":
        """A question about one sentence of `text` and its answer; None if it has no fit sentence."""
        sentences = [s for s in SENTENCE.split(text) if 6 <= len(s.split()) <= 45]
        if not sentences:
            return None
        sentence = self.rng.choice(sentences)
        found = spans(sentence)
        if not found:
            return None
        # Numbers and names are rarer than phrases, and asked about more often.
        by_kind: dict[tuple[str, ...], list] = {}
        for span in found:
            by_kind.setdefault(span[2], []).append(span)
        begin, end, asking = self.rng.choice(by_kind[self.rng.choice(sorted(by_kind))])
        question = self._asked(sentence[:begin], sentence[end:], self.rng.choice(asking))
        if len(words_of(question)) < 3:
            return None
        return question, sentence[begin:end]

    def _asked(self, left: str, right: str, asking: str) -> str:
        """The words around the answer as a question: in place, in front, or only what comes after."""
        rng = self.rng
        before = left.split()[-rng.randint(*AROUND):]
        after = right.rstrip(".!?;: ").split()[:rng.randint(*AROUND)]
        before = [w for w in before if rng.random() > DROPPED]
        after = [w for w in after if rng.random() > DROPPED]
        if len(after) >= 4 and rng.random() < 0.35:
            words = [asking, *after]
        elif rng.random() < 0.5:
            helper = rng.choice([[], [], ["is"], ["was"], ["did"], ["does"], ["are"]])
            words = [asking, *helper, *before, *after]
        else:
            words = [*before, asking, *after]
        question = " ".join(words).strip(" ,;:'\"()–—-")
        return question[:1].upper() + question[1:] + "?"
