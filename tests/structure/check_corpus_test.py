#!/usr/bin/env python3
"""Plants errors in a small corpus: check_corpus.py must find each."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_corpus  # noqa: E402

DOCUMENT = "The buoy weighs 27.5 kg."
ANSWERED = {"question": "How much does it weigh?", "answer": "27.5 kg", "document": "manual.md"}
UNANSWERED = {"question": "Who built it?", "answer": None, "document": None}


def numbered(entry, count):
    return [{**entry, "question": f"{entry['question']} {i}"} for i in range(count)]


CLEAN = numbered(ANSWERED, check_corpus.MIN_QUESTIONS) + numbered(
    UNANSWERED, check_corpus.MIN_UNANSWERABLE)


def errors_of(entries, documents=None):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for document, text in (documents or {"manual.md": DOCUMENT}).items():
            (folder / document).write_text(text, "utf-8")
        (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, entries)), "utf-8")
        return check_corpus.check(folder)


class CheckCorpusTest(unittest.TestCase):
    def expect_error(self, message, entries, documents=None):
        errors = errors_of(entries, documents)
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(message, errors[0])

    def test_clean_corpus_passes(self):
        self.assertEqual(errors_of(CLEAN), [])

    def test_answer_stands_in_its_document(self):
        self.expect_error("'28 kg' does not stand in manual.md",
                          CLEAN + [{**ANSWERED, "answer": "28 kg"}])

    def test_document_exists(self):
        self.expect_error("document faq.md does not exist",
                          CLEAN + [{**ANSWERED, "document": "faq.md"}])

    def test_answer_is_a_short_span(self):
        self.expect_error("answer has 90 characters", CLEAN + [{**ANSWERED, "answer": "x" * 90}])

    def test_fields_are_complete(self):
        self.expect_error("wanted the fields", CLEAN + [{"question": "Why?", "answer": None}])

    def test_unanswerable_questions_name_no_document(self):
        self.expect_error("null together", CLEAN + [{**UNANSWERED, "document": "manual.md"}])

    def test_questions_differ(self):
        self.expect_error("a question stands twice", CLEAN + CLEAN[:1])

    def test_there_are_enough_questions_of_both_kinds(self):
        self.expect_error("wanted 60 questions", CLEAN[-20:])
        self.expect_error("without answer", CLEAN[:check_corpus.MIN_QUESTIONS])

    def test_every_document_is_asked_about(self):
        self.expect_error("faq.md: no question asks about it", CLEAN,
                          {"manual.md": DOCUMENT, "faq.md": "Nothing."})


if __name__ == "__main__":
    unittest.main()
