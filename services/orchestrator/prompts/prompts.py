"""Renders the orchestrator's prompts exactly as the service does, for training and evaluation.

The wording is that of prompts.txt beside this file; a test holds this module and the service to the
same results. Example:

    prompts = Prompts()
    passages = [Passage("Handbook", "Leave is 30 days.", headings=["Leave"])]
    messages = prompts.render("answer", passages=passages, question="How long is leave?")

Passages, question and focus are escaped here. Notes and the answer so far are what a model said:
their markers stay, and must have the numbers of the sources in this prompt.
"""

import dataclasses
import pathlib
import re

STEPS = ("answer", "map_question", "reduce_question", "refine_question", "summarize",
         "merge_summaries", "refine_summary")
MAX_LABEL_BYTES = 120
MAX_MARKER_BYTES = 64
SPACES = " \t\n\v\f\r"
MARKER = re.compile(r"\[( *[1-9][0-9]{0,5} *(?:[,;] *[1-9][0-9]{0,5} *)*)\]")
KEY = re.compile(r"\{([^{}]*)\}")


@dataclasses.dataclass
class Passage:
    title: str
    text: str
    headings: list = dataclasses.field(default_factory=list)


def escape_markers(text):
    """Makes the brackets of everything that reads as a marker round: "[7]" becomes "(7)"."""
    return MARKER.sub(
        lambda m: m[0] if len(m[0]) > MAX_MARKER_BYTES else "(" + m[1] + ")", text)


def label(passage):
    """Title and headings on one line, long ones cut."""
    line = " > ".join([passage.title, *passage.headings])
    line = escape_markers(line.translate({ord(c): " " for c in SPACES}))
    encoded = line.encode()
    if len(encoded) <= MAX_LABEL_BYTES:
        return line
    return encoded[:MAX_LABEL_BYTES].decode(errors="ignore") + "..."


class Prompts:
    def __init__(self, path=pathlib.Path(__file__).with_name("prompts.txt")):
        self.sections = {}
        name = None
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.startswith("== "):
                name = line[3:].strip(SPACES)
                self.sections[name] = ""
            elif name is not None:
                self.sections[name] += line + "\n"
        self.sections = {name: body.strip(SPACES) for name, body in self.sections.items()}

    @property
    def no_answer(self):
        return self.sections["no_answer"]

    def render(self, step, passages=(), question=None, focus="", notes=(), answer=None):
        """The chat messages of one step: system and user."""
        values = {"passages": "\n\n".join(
            self._fill("passage", number=str(number), label=label(passage),
                       text=escape_markers(passage.text))
            for number, passage in enumerate(passages, 1))}
        values["notes"] = "\n".join(self._fill("note", text=note) for note in notes)
        values["focus"] = (self._fill("focus", focus=escape_markers(focus))
                           if focus.strip(SPACES) else "")
        if question is not None:
            values["question"] = escape_markers(question)
        if answer is not None:
            values["answer"] = answer
        return [{"role": role, "content": self._fill(f"{step}.{role}", **values)}
                for role in ("system", "user")]

    def _fill(self, section, **values):
        values["no_answer"] = self.no_answer
        filled = KEY.sub(lambda m: values.get(m[1], m[0]), self.sections[section])
        return filled.strip(SPACES)
