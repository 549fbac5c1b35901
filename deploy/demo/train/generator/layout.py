"""How facts are set out: sentences, lists, questions and answers, fields, numbers, times, tables."""

import random
import textwrap

from .facts import Fact, capitalized
from .phrases import phrases


def _wrapped(text: str, rng: random.Random, indent: str = "") -> str:
    return textwrap.fill(text,
                         rng.randint(60, 100),
                         subsequent_indent=indent,
                         break_on_hyphens=False,
                         break_long_words=False)


def prose(facts: list[Fact], rng: random.Random, split: str) -> str:
    """A paragraph with some sentences that tell nothing."""
    sentences = [f.note for f in facts]
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        sentences.insert(rng.randint(0, len(sentences)), rng.choice(phrases(split, "filler")))
    text = " ".join(sentences)
    return _wrapped(text, rng) if rng.random() < 0.4 else text


def listing(facts: list[Fact], rng: random.Random, split: str) -> str:
    """A line with a dash for each fact."""
    mark = rng.choice(["- ", "* ", ""])
    return "\n".join(mark + f.note for f in facts)


def numbered(facts: list[Fact], rng: random.Random, split: str) -> str:
    """Numbered paragraphs, wrapped and indented."""
    section, first = rng.randint(1, 12), rng.randint(1, 3)
    mark = rng.choice(["{s}.{n}  ", "{n}. ", "({n}) ", "{s}.{n} "])
    lines = []
    for number, fact in enumerate(facts, first):
        start = mark.format(s=section, n=number)
        lines.append(_wrapped(start + fact.note, rng, " " * len(start)))
    return "\n".join(lines)


def timeline(facts: list[Fact], rng: random.Random, split: str) -> str:
    """A time before each sentence, and a question for what stands at one of the times."""
    minutes = sorted(rng.sample(range(360, 1320), len(facts)))
    times = [f"{m // 60:02}:{m % 60:02}" for m in minutes]
    lines = [f"{time}  {fact.note}" for time, fact in zip(times, facts)]
    at = rng.randrange(len(facts))
    question = rng.choice(phrases(split, "time_question")).format(v=times[at])
    told = facts[at].note
    facts.append(Fact([question], told, f"{times[at]}  {told}", times[at], entity=facts[at].entity))
    return "\n".join(lines)


def questions(facts: list[Fact], rng: random.Random, split: str) -> str:
    """Questions with their answers, some of which are the value alone."""
    form = rng.choice(["**{q}** {a}", "Q: {q}\nA: {a}", "{q}\n{a}", "{q} {a}"])
    lines = []
    for fact in facts:
        question = fact.questions[0]
        if rng.random() < 0.4 and fact.of_field:
            fact.answer = capitalized(fact.answer)
            fact.note = f"{question} {fact.answer}."
            lines.append(form.format(q=question, a=fact.answer + "."))
        else:
            lines.append(form.format(q=question, a=fact.note))
        if len(fact.questions) > 1 and rng.random() < 0.7:
            fact.questions = fact.questions[1:]
    return ("\n\n" if "\n" in form else "\n").join(lines)


def fields(facts: list[Fact], rng: random.Random, split: str) -> str:
    """Label: value, for each fact that is a value."""
    for fact in facts:
        if fact.of_field:
            key = f"{fact.key}, {fact.item}" if fact.item else fact.key
            fact.note = f"{key}: {fact.answer}"
    return "\n".join(fact.note for fact in facts)


BLOCKS = (prose, listing, numbered, timeline, questions, fields)
SHARES = (0.5, 0.1, 0.1, 0.05, 0.12, 0.13)


def block(facts: list[Fact], rng: random.Random, split: str) -> str:
    """The facts in one of the forms above; the form may rewrite and add to them."""
    if not facts:
        return prose(facts, rng, split)
    return rng.choices(BLOCKS, SHARES)[0](facts, rng, split)


def table(header: list[str], rows: list[list[str]], rng: random.Random) -> str:
    """A Markdown table, aligned columns, or a line with all values for each row."""
    form = rng.random()
    if form < 0.5:
        lines = [header, ["---"] * len(header)] + rows
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    if form < 0.8:
        widths = [max(len(row[i]) for row in [header] + rows) + 2 for i in range(len(header))]
        return "\n".join("".join(cell.ljust(width)
                                 for cell, width in zip(row, widths)).rstrip()
                         for row in [header] + rows)
    return "\n".join(f"{row[0]}: " + ", ".join(f"{key.lower()} {cell}"
                                               for key, cell in zip(header[1:], row[1:]))
                     for row in rows)
