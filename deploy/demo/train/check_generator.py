#!/usr/bin/env python3
"""Tests of the data generator. Standard library only: python3 check_generator.py"""

import random
import re
import unittest

import scoring
from generator import domains, frames
from generator.names import Names, split_of
from generator.phrases import phrases
from generator.tasks import NO_ANSWER, PROMPTS, Tasks

WHITE_SPACE = re.compile(r"\s+")
PASSAGE = re.compile(r"^\[(\d+)\] ", re.MULTILINE)
PHRASES = ("earlier", "filler", "heading", "person_fact", "rule", "thing", "only", "label_question",
           "item_question", "year_question", "time_question")


def passages(user: str) -> dict[int, str]:
    """The passages of a prompt by number, white space folded."""
    text = user.split("\n\nQuestion: ")[0]
    parts = PASSAGE.split(text)[1:]
    return {int(n): WHITE_SPACE.sub(" ", body) for n, body in zip(parts[::2], parts[1::2])}


def examples(split: str, count: int, turns: int = 1):
    tasks = Tasks(random.Random(3), split)
    return [tasks.example(900, turns) for _ in range(count)]


class SplitsTest(unittest.TestCase):

    def test_at_least_thirty_domains_for_training(self):
        self.assertGreaterEqual(len(domains.load("train")), 30)

    def test_domains_of_the_splits_share_no_template(self):

        def templates(split):
            return {
                t for d in domains.load(split) for t in d.titles + d.entities + d.about + d.items +
                [t for f in d.facts for t in f.statements + f.questions]
            }

        # A bare slot, "{place}", is no wording.
        shared = {
            t for t in templates("train") & templates("eval")
            if re.sub(r"\{[^}]*\}", "", t).strip()
        }
        self.assertEqual(shared, set())

    def test_splits_share_no_common_phrase(self):
        for section in PHRASES:
            self.assertEqual(
                set(phrases("train", section)) & set(phrases("eval", section)), set(), section)

    def test_frames_and_words_belong_to_one_split(self):

        def wording(split):
            return {t for f in frames.frames(split) for t in f.statements + f.questions}

        self.assertEqual(wording("train") & wording("eval"), set())
        for section in ("noun", "verb", "modifier"):
            shared = set(frames.words(section, "train")) & set(frames.words(section, "eval"))
            self.assertEqual(shared, set())
            self.assertGreater(len(frames.words(section, "eval")), 5)

    def test_names_belong_to_one_split(self):
        for split in ("train", "eval"):
            names = Names(random.Random(1), split)
            for draw in (names.first, names.surname, names.coined):
                for _ in range(200):
                    self.assertEqual(split_of(draw().lower()), split)

    def test_domains_are_complete(self):
        for domain in domains.load("train") + domains.load("eval"):
            self.assertTrue(domain.titles and domain.entities and domain.about, domain.name)
            for fact in domain.facts:
                self.assertTrue(all("{}" in s for s in fact.statements), (domain.name, fact.label))
                self.assertFalse(any("{}" in q for q in fact.questions), (domain.name, fact.label))
                self.assertTrue(all(("{i}" in q) == fact.of_item for q in fact.questions),
                                (domain.name, fact.label))


class ExamplesTest(unittest.TestCase):

    def test_answers_stand_literally_in_the_passage_they_cite(self):
        seen = 0
        for split in ("train", "eval"):
            for example in examples(split, 300, 3):
                if example.kind not in ("answer", "map_question"):
                    continue
                told = passages(example.turns[0].user)
                for turn in example.turns:
                    if turn.gold is not None:
                        self.assertIn(WHITE_SPACE.sub(" ", turn.gold), told[turn.citation])
                        self.assertEqual(scoring.cited(turn.answer), [turn.citation])
                        seen += 1
        self.assertGreater(seen, 300)

    def test_questions_without_answer_get_the_sentence_of_the_prompts(self):
        refused = [
            t for e in examples("train", 300, 3) for t in e.turns
            if t.gold is None and e.kind == "answer"
        ]
        self.assertGreater(len(refused), 20)
        self.assertEqual({t.answer for t in refused}, {NO_ANSWER})
        self.assertIn(NO_ANSWER, PROMPTS.render("answer", question="?")[0]["content"])

    def test_every_step_of_the_orchestrator_occurs(self):
        kinds = {e.kind for e in examples("train", 400)}
        self.assertEqual(
            kinds, {
                "answer", "map_question", "reduce_question", "refine_question", "summarize",
                "merge_summaries", "refine_summary"
            })

    def test_no_placeholder_is_left(self):
        for example in examples("train", 200) + examples("eval", 200):
            for turn in example.turns:
                self.assertNotRegex(turn.user + turn.answer, r"\{[a-z0-9-]*\}|\0")

    def test_the_same_seed_gives_the_same_examples(self):
        self.assertEqual(examples("train", 30), examples("train", 30))


class ScoringTest(unittest.TestCase):

    def test_match_ignores_markers_case_and_articles(self):
        self.assertTrue(scoring.matches("The 28 Days [2].", "28 days"))
        self.assertFalse(scoring.matches("28 days [2]", "27 days"))

    def test_contained_means_whole_words(self):
        self.assertTrue(scoring.contains("It costs EUR 1,200 [1].", "1,200"))
        self.assertFalse(scoring.contains("It costs EUR 11,200 [1].", "1,200"))

    def test_f1_of_half_the_words(self):
        self.assertAlmostEqual(scoring.f1("red green [1]", "red blue"), 0.5)

    def test_score_counts_refusals_and_citations(self):
        score = scoring.Score(NO_ANSWER)
        score.add("28 days [2]", "28 days", 2)
        score.add("28 days [1]", "28 days", 2)
        score.add(NO_ANSWER, "28 days", 2)
        score.add(NO_ANSWER, None, 0)
        report = score.report()
        self.assertEqual(report["citation_right"], 0.5)
        self.assertEqual(report["no_answer_recall"], 1.0)
        self.assertEqual(report["no_answer_precision"], 0.5)
        self.assertEqual(report["exact_match"], 0.6667)


if __name__ == "__main__":
    unittest.main()
