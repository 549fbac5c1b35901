#!/usr/bin/env python3
"""Plants kernels that spill registers: check_spills.py must find each."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gpu"))
import check_spills  # noqa: E402

REPORT = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z5ScalePfi' for 'sm_80'
ptxas info    : Function properties for _Z5ScalePfi
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 16 registers, used 1 barriers
ptxas info    : Compiling entry function '_Z7ProductPfi' for 'sm_90a'
ptxas info    : Function properties for _Z7ProductPfi
    {stack} bytes stack frame, {spilled} bytes spill stores, {spilled} bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers
"""


def run(spilled, exceptions=""):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        if spilled is not None:
            (root / "a.o.ptxas").write_text(REPORT.format(stack=spilled, spilled=spilled))
        (root / "exceptions.txt").write_text(exceptions)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = check_spills.main(root, root / "exceptions.txt")
    return status, output.getvalue()


class CheckSpillsTest(unittest.TestCase):
    def test_kernels_that_keep_to_their_registers_pass(self):
        status, output = run(0)
        self.assertEqual(status, 0, output)
        self.assertIn("2 kernels, 0 spill", output)

    def test_a_spill_is_found(self):
        status, output = run(8)
        self.assertEqual(status, 1)
        self.assertIn("sm_90a: Product(float*, int): 16 bytes spilled", output)
        self.assertNotIn("Scale(", output)

    def test_an_exception_holds_up_to_its_bytes_and_for_its_architecture(self):
        self.assertEqual(run(8, "16 sm_90a ^Product  # rare shapes\n")[0], 0)
        self.assertEqual(run(8, "16 * Product # rare shapes\n")[0], 0)
        self.assertEqual(run(8, "15 sm_90a ^Product\n")[0], 1)
        self.assertEqual(run(8, "16 sm_80 ^Product\n")[0], 1)
        self.assertEqual(run(8, "# 16 sm_90a ^Product\n")[0], 1)

    def test_no_report_is_an_error(self):
        self.assertEqual(run(None)[0], 1)


if __name__ == "__main__":
    unittest.main()
