#!/usr/bin/env python3
"""Asks the questions of the demo corpus through the whole pipeline and scores the answers.

Usage: ask_corpus.py --quire PROGRAM [--model DIR] [--embedding-model DIR] [--strategy S]...
         [--questions N] [--top-k K] [--floor SHARE] [--show]

Starts `quire serve`, stores the corpus, asks with each strategy and prints one JSON object each.
rag asks the whole collection; stuff, map-reduce and refine ask the document that holds the answer,
where there is one, and else a document that does not tell. Questions about a document too long for
stuff's one prompt are left out and counted. --floor fails if of a strategy's answers that the documents
tell fewer are right (exact_match). Standard library only.
"""

import argparse
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

from scoring import Score

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = ROOT / "deploy/demo/corpus"
NO_ANSWER = "The documents do not say."
STRATEGIES = ("rag", "stuff", "map-reduce", "refine")
START_SECONDS = 120


class DoesNotFit(Exception):
    """The document is longer than one prompt."""


class Server:
    """`quire serve` on a free port with its own data, as a context."""

    def __init__(self, program: str, models: list[str]):
        self.program, self.models = program, models
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]

    def __enter__(self) -> "Server":
        self.data = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([
            self.program, "--data-dir", self.data.name, "serve", "--port",
            str(self.port), *self.models
        ],
                                        stdout=subprocess.DEVNULL)
        for _ in range(START_SECONDS * 10):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.program} serve ended with {self.process.returncode}")
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        raise RuntimeError(f"{self.program} serve does not listen after {START_SECONDS} s")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()
        self.data.cleanup()

    def run(self, *arguments: str) -> str:
        """A client command; returns its stdout."""
        command = [self.program, "--server", f"127.0.0.1:{self.port}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 2 and "wanted at most" in done.stderr:
            raise DoesNotFit(done.stderr)
        if done.returncode != 0:
            raise RuntimeError(
                f"{' '.join(command[3:])}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout


def ask(server: Server, entry: dict, strategy: str, top_k: int, documents: dict[str, str],
        rng: random.Random) -> tuple[str, int]:
    """The answer, and the number of a citation whose quote holds what is wanted (0: none)."""
    arguments = ["ask", entry["question"], "--collection", "demo", "--strategy", strategy, "--json"]
    if strategy == "rag":
        arguments += ["--top-k", str(top_k)] if top_k else []
    else:
        document = entry["document"] or rng.choice(sorted(documents))
        arguments += ["--document", documents[document]]
    answer = json.loads(server.run(*arguments))
    right = next((c["number"]
                  for c in answer.get("citations", [])
                  if entry["answer"] and entry["answer"] in c["source"].get("quote", "")), 0)
    return answer.get("text", ""), right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quire", required=True)
    parser.add_argument("--model", default=str(ROOT / "deploy/demo/model"))
    parser.add_argument("--embedding-model")
    parser.add_argument("--strategy", action="append", choices=STRATEGIES)
    parser.add_argument("--questions",
                        type=int,
                        default=0,
                        help="only so many, spread over the file")
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--floor", type=float, default=0.0)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    entries = [
        json.loads(line) for line in (CORPUS / "questions.jsonl").read_text("utf-8").splitlines()
    ]
    if arguments.questions:
        entries = entries[::max(1, len(entries) // arguments.questions)]
    models = ["--model", arguments.model]
    if arguments.embedding_model:
        models += ["--embedding-model", arguments.embedding_model]
    too_few = False
    with Server(arguments.quire, models) as server:
        server.run("collection", "create", "demo")
        files = sorted(p for p in CORPUS.iterdir() if p.suffix in (".md", ".txt"))
        ids = server.run("docs", "add", "--collection", "demo", *map(str, files)).split()
        documents = dict(zip((f.name for f in files), ids))
        for strategy in arguments.strategy or STRATEGIES:
            score, rng, began = Score(NO_ANSWER), random.Random(30), time.monotonic()
            left_out = 0
            for entry in entries:
                try:
                    text, right = ask(server, entry, strategy, arguments.top_k, documents, rng)
                except DoesNotFit:
                    left_out += 1
                    continue
                score.add(text, entry["answer"], right)
                if arguments.show:
                    print(f"  {entry['question']}\n    wanted {entry['answer']!r}")
                    print(f"    have   {text!r}")
            seconds = round((time.monotonic() - began) / len(entries), 2)
            report = score.report()
            too_few |= (report["exact_match"] or 0.0) < arguments.floor
            print(json.dumps({
                "strategy": strategy,
                "seconds_per_question": seconds,
                "left_out": left_out
            } | report),
                  flush=True)
    return 1 if too_few else 0


if __name__ == "__main__":
    sys.exit(main())
