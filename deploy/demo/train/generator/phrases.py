"""Reads phrases.txt: wording shared by all domains, a section per split."""

import functools
import pathlib


@functools.cache
def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    name = ""
    path = pathlib.Path(__file__).with_name("phrases.txt")
    for line in path.read_text("utf-8").split("\n"):
        if line.startswith("== "):
            name = line[3:]
            sections[name] = []
        elif line and name:
            sections[name].append(line)
    return sections


def phrases(split: str, section: str) -> list[str]:
    """The lines of a section for one split."""
    return _sections()[f"{split}.{section}"]
