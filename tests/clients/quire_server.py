"""What the client tests share: where things are, generated stubs, a running `quire serve`."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT.parent / "shared/data/models/stories260k"

sys.path.insert(0, str(ROOT / "deploy"))
from wait_until_serving import wait_until_serving  # noqa: E402


def bin_dir():
    """Takes the folder of the programs from the command line, before unittest reads it."""
    return pathlib.Path(sys.argv.pop(1)).resolve()


def embedding_model():
    """Returns the folder of all-MiniLM-L6-v2, or None where it was not fetched."""
    folder = os.environ.get("QUIRE_TEST_MINILM")
    return folder if folder and pathlib.Path(folder).is_dir() else None


def require_model():
    if not MODEL.is_dir():
        raise unittest.SkipTest(f"{MODEL} is absent: this check did not run")


def generate_stubs(folder):
    """Generates the Python stubs of all services into `folder` and makes them importable."""
    protos = [str(path.relative_to(ROOT / "proto")) for package in ("google", "quire")
              for path in (ROOT / "proto" / package).rglob("*.proto")]
    subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={folder}",
                    f"--grpc_python_out={folder}",
                    "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin", *protos],
                   check=True)
    sys.path.insert(0, str(folder))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`quire serve` over a fresh data directory, until stop()."""

    def __init__(self, programs, *arguments):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quire-test-"))
        self.address = f"127.0.0.1:{free_port()}"
        self.log = self.folder / "serve.log"
        command = [programs / "quire", "--data-dir", self.folder / "data", "serve", "--model", MODEL,
                   "--port", self.address.split(":")[1], *arguments]
        if embedding_model():
            command += ["--embedding-model", embedding_model()]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        if reason := wait_until_serving(self.address, self.process.pid, 60):
            log = self.log.read_text()
            self.stop()
            raise RuntimeError(f"quire serve: {reason}\n{log}")

    def stop(self):
        """Ends the server with SIGTERM and returns its exit status."""
        self.process.terminate()
        status = self.process.wait(timeout=40)
        shutil.rmtree(self.folder)
        return status
