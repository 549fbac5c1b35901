#!/usr/bin/env python3
"""Fails if the demo corpus and its questions do not fit together. Run: check_corpus.py FOLDER.

Every answer stands literally in the document it names; every document has questions; documents are
valid UTF-8, the only media types are text and Markdown.
"""

import json
import pathlib
import sys

MIN_QUESTIONS = 60
MIN_UNANSWERABLE = 6
MAX_ANSWER_CHARACTERS = 80
FIELDS = {"question", "answer", "document"}


def check_question(entry, documents):
    """Returns what is wrong with one line of questions.jsonl, or None."""
    if set(entry) != FIELDS or not entry["question"].strip():
        return f"wanted the fields {sorted(FIELDS)}, have {sorted(entry)}"
    if (entry["answer"] is None) != (entry["document"] is None):
        return "answer and document are null together or not at all"
    if entry["answer"] is None:
        return None
    if entry["document"] not in documents:
        return f"document {entry['document']} does not exist"
    if not 0 < len(entry["answer"]) <= MAX_ANSWER_CHARACTERS:
        return f"answer has {len(entry['answer'])} characters, limit is {MAX_ANSWER_CHARACTERS}"
    if entry["answer"] not in documents[entry["document"]]:
        return f"{entry['answer']!r} does not stand in {entry['document']}"
    return None


def check(folder):
    """Returns the errors of the corpus in `folder`."""
    documents = {path.name: path.read_bytes().decode("utf-8")
                 for path in folder.iterdir() if path.suffix in {".md", ".txt"}}
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    errors = [f"questions.jsonl:{number}: {reason}" for number, entry in enumerate(entries, 1)
              if (reason := check_question(entry, documents))]
    questions = [entry.get("question") for entry in entries]
    if len(set(questions)) != len(questions):
        errors.append("questions.jsonl: a question stands twice")
    if len(entries) < MIN_QUESTIONS:
        errors.append(f"questions.jsonl: wanted {MIN_QUESTIONS} questions, have {len(entries)}")
    unanswerable = sum(entry.get("answer") is None for entry in entries)
    if unanswerable < MIN_UNANSWERABLE:
        errors.append(f"questions.jsonl: wanted {MIN_UNANSWERABLE} without answer, "
                      f"have {unanswerable}")
    asked = {entry.get("document") for entry in entries}
    errors += [f"{name}: no question asks about it" for name in sorted(documents)
               if name not in asked]
    return errors


def main(folder):
    errors = check(folder)
    print("\n".join(errors) if errors else "every answer stands in its document")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
