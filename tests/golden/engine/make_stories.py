#!/usr/bin/env python3
"""Writes the texts of fixtures/stories: what stories260k tells, sampled by Quire itself.

Usage: make_stories.py QUIRE [MODEL]

calibration.txt is what quantization looks at, evaluation.txt what it is judged by: other seeds, so
other stories.
"""

import pathlib
import subprocess
import sys

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures" / "stories"
STORIES = 24


def story(quire, model, seed):
    command = [quire, "generate", "--model", model, "--max-tokens", "500", "--seed", str(seed),
               "--temperature", "1", "--top-p", "0.95"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main():
    quire = sys.argv[1]
    model = sys.argv[2] if len(sys.argv) > 2 else "../shared/data/models/stories260k"
    FIXTURES.mkdir(exist_ok=True)
    for name, first in (("calibration.txt", 1), ("evaluation.txt", 1001)):
        texts = [story(quire, model, first + i) for i in range(STORIES)]
        (FIXTURES / name).write_text("\n\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
