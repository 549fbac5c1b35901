#!/usr/bin/python3
"""Runs what the README shows, word for word. Run: readme_test.py BIN_DIR."""

import os
import pathlib
import re
import subprocess
import unittest

import quire_server

BIN_DIR = quire_server.bin_dir()
README = (quire_server.ROOT / "README.md").read_text("utf-8")


def blocks(language):
    """Returns the code blocks of `language` in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block_with(language, part):
    """Returns the one code block of `language` that has `part` in it."""
    found = [block for block in blocks(language) if part in block]
    if len(found) != 1:
        raise AssertionError(f"README has {len(found)} {language} blocks with {part!r}")
    return found[0]


def run(command, **environment):
    return subprocess.run(command, cwd=quire_server.ROOT, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=400, check=False)


class ReadmeTest(unittest.TestCase):
    def assert_succeeds(self, result):
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_paths_exist(self):
        for path in re.findall(r"\]\(([\w./-]+)\)", README):
            self.assertTrue((quire_server.ROOT / path).exists(), f"README links to {path}")
        for path in re.findall(r"`((?:base|deploy|engine|kernels|proto|retrieval|services|tests)/"
                               r"[\w./-]*)`", README):
            self.assertTrue((quire_server.ROOT / path).exists(), f"README names {path}")

    def test_scripts_explain_themselves(self):
        for script in ("deploy/quickstart.sh", "tests/run.sh"):
            block_with("sh", script)
            self.assertIn("Usage:", self.assert_succeeds(run([script, "--help"])))

    def test_python_client(self):
        quire_server.require_model()
        self.assert_succeeds(run(["bash", "-ec", block_with("sh", "grpc_python_plugin")]))
        example = block_with("python", "StreamAsk")
        self.assertLessEqual(len(example.strip().splitlines()), 15)
        server = quire_server.Server(BIN_DIR)
        self.addCleanup(server.stop)
        output = run(["/usr/bin/python3", "-c", example], QUIRE_SERVER=server.address)
        self.assertTrue(self.assert_succeeds(output).strip())

    def test_ask_without_a_server(self):
        quire_server.require_model()
        command = block_with("sh", "quire ask")
        self.assertIn("DIR", command)
        command = command.replace("build/release/bin", str(BIN_DIR))
        command = command.replace("DIR", str(quire_server.MODEL))
        output = run(["bash", "-ec", command])
        self.assertTrue(self.assert_succeeds(output).strip())

    def test_environment_names_are_real(self):
        quire_server.require_model()
        settings = run([str(BIN_DIR / "quire"), "config", "show", "--origin"],
                       QUIRE_DATA_DIR="/tmp/quire-readme-test")
        self.assertIn("QUIRE_DATA_DIR", self.assert_succeeds(settings))


if __name__ == "__main__":
    unittest.main()
