#!/usr/bin/python3
"""deploy/quickstart.sh with the programs of this build. Run: quickstart_test.py BIN_DIR."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import quire_server

BIN_DIR = quire_server.bin_dir()
SCRIPT = quire_server.ROOT / "deploy/quickstart.sh"


def running_services(work_dir):
    """Returns the ids of processes whose command line names `work_dir`."""
    found = subprocess.run(["pgrep", "-f", f"quire-.*{work_dir}"], capture_output=True, text=True,
                           check=False)
    return found.stdout.split()


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.work_dir = pathlib.Path(tempfile.mkdtemp(prefix="quire-quickstart-"))
        self.addCleanup(shutil.rmtree, self.work_dir)

    def run_script(self, *arguments):
        return subprocess.run([SCRIPT, "--bin-dir", BIN_DIR, "--work-dir", self.work_dir,
                               *arguments], capture_output=True, text=True, timeout=400,
                              stdin=subprocess.DEVNULL, check=False)

    def test_says_what_to_do_without_a_model(self):
        result = self.run_script("--model", "/nonexistent")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--model", result.stderr)

    def test_needs_no_flag(self):
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        answer, sources = result.stdout.split("\nSources\n")
        self.assertIn("Hanna Vogel", answer)
        self.assertIn("employee-handbook.md", sources)

    def test_runs_to_a_cited_answer_twice(self):
        quire_server.require_model()
        for _ in range(2):
            result = self.run_script("--model", quire_server.MODEL)
            self.assertEqual(result.returncode, 0, result.stderr)
            answer, sources = result.stdout.split("\nSources\n")
            self.assertTrue(answer.strip())
            self.assertRegex(sources, r"^\[1\] .*bytes \d+-\d+: ")
            self.assertEqual(running_services(self.work_dir), [])


if __name__ == "__main__":
    unittest.main()
