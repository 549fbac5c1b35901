#!/usr/bin/env python3
"""Fails if the public API breaks its rules. Run: check_protos.py PROTO_ROOT [PROTOC].

Names follow buf's STANDARD category, read from the descriptors that protoc writes, and every
service, rpc, message, enum, field and enum value has a comment. Files outside quire/ are not ours
and are not checked.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

PASCAL = re.compile(r"[A-Z][A-Za-z0-9]*$")
LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*$")
UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")
PACKAGE = re.compile(r"quire(\.[a-z][a-z0-9]*)+\.v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$")

# Field numbers in descriptor.proto: the steps of a source location's path.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, MESSAGE_ONEOF = 2, 3, 4, 8
ENUM_VALUE, SERVICE_METHOD = 2, 2


def upper_snake(name):
    """Returns "FinishReason" as "FINISH_REASON"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


class FileCheck:
    """Collects the violations of one file."""

    def __init__(self, file):
        self.file = file
        self.errors = []
        self.requests = {}
        self.locations = {tuple(location.path): location
                          for location in file.source_code_info.location}

    def report(self, path, message):
        location = self.locations.get(tuple(path))
        line = location.span[0] + 1 if location else 1
        self.errors.append(f"{self.file.name}:{line}: {message}")

    def expect(self, condition, path, message):
        if not condition:
            self.report(path, message)

    def expect_comment(self, path, what):
        location = self.locations.get(tuple(path))
        documented = location and (location.leading_comments or location.trailing_comments).strip()
        self.expect(documented, path, f"{what} has no comment")

    def run(self):
        file = self.file
        folder = pathlib.PurePosixPath(file.name).parent.as_posix()
        self.expect(file.syntax == "proto3", [12], "syntax is not proto3")
        self.expect(PACKAGE.match(file.package), [2],
                    f"package {file.package!r} is not quire.<name>.v<version>")
        self.expect(file.package.replace(".", "/") == folder, [2],
                    f"package {file.package!r} is not its folder {folder!r}")
        self.expect(LOWER_SNAKE.match(pathlib.PurePosixPath(file.name).stem), [],
                    "file name is not lower_snake_case")
        self.expect(not file.public_dependency and not file.weak_dependency, [3],
                    "public and weak imports are not allowed")
        for i, message in enumerate(file.message_type):
            self.check_message([FILE_MESSAGE, i], message)
        for i, enum in enumerate(file.enum_type):
            self.check_enum([FILE_ENUM, i], enum)
        for i, service in enumerate(file.service):
            self.check_service([FILE_SERVICE, i], service)
        return self.errors

    def check_message(self, path, message):
        if message.options.map_entry:
            return
        self.expect(PASCAL.match(message.name), path, f"message {message.name} is not PascalCase")
        # A request or response is described at its rpc.
        if not message.name.endswith(("Request", "Response")):
            self.expect_comment(path, f"message {message.name}")
        for i, field in enumerate(message.field):
            where = path + [MESSAGE_FIELD, i]
            self.expect(LOWER_SNAKE.match(field.name), where,
                        f"field {message.name}.{field.name} is not lower_snake_case")
            self.expect_comment(where, f"field {message.name}.{field.name}")
        for i, oneof in enumerate(message.oneof_decl):
            # proto3 `optional` makes a oneof called "_field".
            self.expect(LOWER_SNAKE.match(oneof.name.lstrip("_")), path + [MESSAGE_ONEOF, i],
                        f"oneof {message.name}.{oneof.name} is not lower_snake_case")
        for i, nested in enumerate(message.nested_type):
            self.check_message(path + [MESSAGE_NESTED, i], nested)
        for i, enum in enumerate(message.enum_type):
            self.check_enum(path + [MESSAGE_ENUM, i], enum)

    def check_enum(self, path, enum):
        self.expect(PASCAL.match(enum.name), path, f"enum {enum.name} is not PascalCase")
        self.expect_comment(path, f"enum {enum.name}")
        self.expect(not enum.options.allow_alias, path, f"enum {enum.name} allows aliases")
        prefix = upper_snake(enum.name) + "_"
        first = enum.value[0]
        self.expect(first.number == 0 and first.name == prefix + "UNSPECIFIED",
                    path + [ENUM_VALUE, 0], f"enum {enum.name} does not start with "
                    f"{prefix}UNSPECIFIED = 0")
        for i, value in enumerate(enum.value):
            where = path + [ENUM_VALUE, i]
            self.expect(UPPER_SNAKE.match(value.name) and value.name.startswith(prefix), where,
                        f"enum value {value.name} is not {prefix}UPPER_SNAKE_CASE")
            self.expect_comment(where, f"enum value {value.name}")

    def check_service(self, path, service):
        self.expect(PASCAL.match(service.name) and service.name.endswith("Service"), path,
                    f"service {service.name} is not PascalCase ending in Service")
        self.expect_comment(path, f"service {service.name}")
        for i, method in enumerate(service.method):
            where = path + [SERVICE_METHOD, i]
            self.expect(PASCAL.match(method.name), where, f"rpc {method.name} is not PascalCase")
            self.expect_comment(where, f"rpc {service.name}.{method.name}")
            self.check_method_types(where, method)

    def check_method_types(self, where, method):
        """Requests and responses are named after their rpc.

        Except that StreamX takes XRequest: the streamed form of a call asks for the same thing, and
        one message keeps the two from drifting apart.
        """
        request = method.input_type.rsplit(".", 1)[-1]
        response = method.output_type.rsplit(".", 1)[-1]
        subject = method.name[len("Stream"):] if method.name.startswith("Stream") else method.name
        self.expect(request == f"{subject}Request", where,
                    f"rpc {method.name} takes {request}, not {subject}Request")
        self.expect(response == f"{method.name}Response", where,
                    f"rpc {method.name} returns {response}, not {method.name}Response")


def used_types(messages):
    """Yields the full names of the message and enum types that fields refer to."""
    for message in messages:
        yield from (field.type_name for field in message.field if field.type_name)
        yield from used_types(message.nested_type)


def unused_imports(file, files):
    """Returns an error for each import that `file` takes no type from."""
    used = set(used_types(file.message_type))
    for service in file.service:
        for method in service.method:
            used |= {method.input_type, method.output_type}
    errors = []
    for dependency in file.dependency:
        imported = files[dependency]
        names = {f".{imported.package}.{t.name}"
                 for t in [*imported.message_type, *imported.enum_type]}
        if not any(u == name or u.startswith(name + ".") for u in used for name in names):
            errors.append(f"{file.name}:1: import {dependency} is not used")
    return errors


def describe(root, protoc):
    """Returns the descriptors of the .proto files below `root`, by name, imports included."""
    sources = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as output:
        subprocess.run([protoc, f"--proto_path={root}", f"--descriptor_set_out={output.name}",
                        "--include_source_info", "--include_imports", *sources], check=True)
        descriptors = descriptor_pb2.FileDescriptorSet.FromString(output.read())
    return sources, {file.name: file for file in descriptors.file}


def main(root, protoc="protoc"):
    sources, files = describe(root, protoc)
    errors, checked = [], 0
    for name in sources:
        if name.startswith("quire/"):
            errors += FileCheck(files[name]).run() + unused_imports(files[name], files)
            checked += 1
    print("\n".join(errors) if errors else f"{checked} proto files follow the rules")
    return 1 if errors or not checked else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), *sys.argv[2:]))
