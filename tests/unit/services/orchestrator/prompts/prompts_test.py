#!/usr/bin/env python3
"""Checks that prompts.py renders the recorded prompts. Run: prompts_test.py ROOT."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(ROOT / "services/orchestrator/prompts"))
import prompts  # noqa: E402

CASES = json.loads(pathlib.Path(__file__).with_name("prompt_cases.json").read_text("utf-8"))


class PromptsTest(unittest.TestCase):
    def test_renders_the_recorded_prompts(self):
        library = prompts.Prompts()
        for case in CASES:
            inputs = {key: case[key] for key in ("question", "focus", "notes", "answer")
                      if key in case}
            inputs["passages"] = [prompts.Passage(**p) for p in case.get("passages", [])]
            messages = library.render(case["step"], **inputs)
            self.assertEqual(messages, [{"role": "system", "content": case["system"]},
                                        {"role": "user", "content": case["user"]}])

    def test_every_step_is_recorded(self):
        self.assertEqual({case["step"] for case in CASES}, set(prompts.STEPS))


if __name__ == "__main__":
    unittest.main()
