#!/usr/bin/env python3
"""Plants headers that do not stand alone: check_headers.py must find each."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_headers  # noqa: E402

ALONE = "#pragma once\n#include <cstdint>\nusing Id = std::int64_t;\n"
NOT_ALONE = "#pragma once\nusing Id = std::int64_t;\n"


def run(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = check_headers.main(root, "g++")
    return status, output.getvalue()


class CheckHeadersTest(unittest.TestCase):
    def test_headers_that_stand_alone_pass(self):
        status, output = run({"base/id.h": ALONE, "engine/id.h": '#include "base/id.h"\n'})
        self.assertEqual(status, 0, output)

    def test_a_missing_include_is_found(self):
        status, output = run({"base/id.h": NOT_ALONE})
        self.assertEqual(status, 1)
        self.assertIn("base/id.h:2", output)

    def test_a_source_vouches_only_for_the_header_it_includes_first(self):
        first = run({"base/id.h": NOT_ALONE, "base/id.cc": '#include "base/id.h"\n'})
        self.assertEqual(first[0], 0)
        later = run({"base/id.h": NOT_ALONE,
                     "base/id.cc": '#include <cstdint>\n\n#include "base/id.h"\n'})
        self.assertEqual(later[0], 1)

    def test_bodies_are_no_headers(self):
        status, _ = run({"base/id.h": ALONE, "kernels/cpu/norm-inl.h": "not C++ by itself\n"})
        self.assertEqual(status, 0)

    def test_an_empty_tree_is_an_error(self):
        self.assertEqual(run({"README.md": ""})[0], 1)


if __name__ == "__main__":
    unittest.main()
