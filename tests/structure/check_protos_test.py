#!/usr/bin/env python3
"""Plants violations in a small API: check_protos.py must find each, and nothing else."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_protos  # noqa: E402

NAME = "quire/echo/v1/echo.proto"
CLEAN = """\
syntax = "proto3";

package quire.echo.v1;

import "google/protobuf/timestamp.proto";

// Says it again.
service EchoService {
  // Says it once.
  rpc Echo(EchoRequest) returns (EchoResponse);
  // Says it bit by bit.
  rpc StreamEcho(EchoRequest) returns (stream StreamEchoResponse);
}

// How loud.
enum EchoVolume {
  // As ECHO_VOLUME_LOUD.
  ECHO_VOLUME_UNSPECIFIED = 0;
  // Loud.
  ECHO_VOLUME_LOUD = 1;
}

message EchoRequest {
  // Not empty.
  string text = 1;
  // Unset means 1.
  optional int32 count = 2;
  // Passed through.
  map<string, string> metadata = 3;
}

message EchoResponse {
  // When it was said.
  google.protobuf.Timestamp time = 1;
}

message StreamEchoResponse {
  oneof event {
    // A part.
    string part = 1;
  }
}
"""


def run(text, name=NAME):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = check_protos.main(pathlib.Path(folder))
    return status, output.getvalue()


class CheckProtosTest(unittest.TestCase):
    def expect_violation(self, old, replacement, message):
        self.assertIn(old, CLEAN)
        status, output = run(CLEAN.replace(old, replacement))
        self.assertEqual(status, 1, output)
        self.assertIn(message, output)

    def test_clean_api_passes(self):
        status, output = run(CLEAN)
        self.assertEqual(status, 0, output)

    def test_names_file_and_line(self):
        _, output = run(CLEAN.replace("  // Not empty.\n", ""))
        self.assertEqual(output, f"{NAME}:24: field EchoRequest.text has no comment\n")

    def test_everything_is_documented(self):
        for comment, what in (("// Says it again.", "service EchoService"),
                              ("  // Says it once.", "rpc EchoService.Echo"),
                              ("// How loud.", "enum EchoVolume"),
                              ("  // As ECHO_VOLUME_LOUD.", "enum value ECHO_VOLUME_UNSPECIFIED"),
                              ("  // Loud.", "enum value ECHO_VOLUME_LOUD"),
                              ("  // Unset means 1.", "field EchoRequest.count"),
                              ("    // A part.", "field StreamEchoResponse.part")):
            with self.subTest(what):
                self.expect_violation(comment + "\n", "", f"{what} has no comment")

    def test_other_messages_are_documented(self):
        _, output = run(CLEAN + "message Place {}\n")
        self.assertIn("message Place has no comment", output)

    def test_package_is_versioned(self):
        self.expect_violation("package quire.echo.v1", "package quire.echo", "is not quire.<name>.v")

    def test_package_is_its_folder(self):
        status, output = run(CLEAN, "quire/other/v1/echo.proto")
        self.assertEqual(status, 1)
        self.assertIn("package 'quire.echo.v1' is not its folder 'quire/other/v1'", output)

    def test_names_have_their_case(self):
        for old, replacement, message in (
                ("string text = 1", "string Text = 1", "field EchoRequest.Text is not lower_snake"),
                ("oneof event", "oneof Event", "oneof StreamEchoResponse.Event is not lower_snake"),
                ("service EchoService", "service Echo", "ending in Service"),
                ("rpc Echo(", "rpc echo(", "rpc echo is not PascalCase"),
                ("ECHO_VOLUME_LOUD = 1", "LOUD = 1", "enum value LOUD is not ECHO_VOLUME_")):
            with self.subTest(message):
                self.expect_violation(old, replacement, message)

    def test_zero_value_is_unspecified(self):
        self.expect_violation("ECHO_VOLUME_UNSPECIFIED = 0", "ECHO_VOLUME_NONE = 0",
                              "does not start with ECHO_VOLUME_UNSPECIFIED = 0")

    def test_requests_and_responses_are_named_after_the_rpc(self):
        self.expect_violation("rpc Echo(EchoRequest) returns (EchoResponse)",
                              "rpc Echo(EchoResponse) returns (EchoResponse)",
                              "rpc Echo takes EchoResponse, not EchoRequest")
        self.expect_violation("returns (stream StreamEchoResponse)", "returns (stream EchoResponse)",
                              "rpc StreamEcho returns EchoResponse, not StreamEchoResponse")

    def test_imports_are_used(self):
        self.expect_violation("google.protobuf.Timestamp time", "string time",
                              "import google/protobuf/timestamp.proto is not used")

    def test_syntax_is_proto3(self):
        proto2 = ('syntax = "proto2";\npackage quire.echo.v1;\nmessage EchoRequest {\n'
                  "  // Text.\n  optional string text = 1;\n}\n")
        self.assertIn("syntax is not proto3", run(proto2)[1])


if __name__ == "__main__":
    unittest.main()
