#!/usr/bin/env python3
"""What embedding a document costs a stream that decodes beside it, and the other way round.

Starts `quire serve` with both models, streams tokens alone, then while batches of passages are
embedded without a pause, turn by turn; and embeds a question alone, beside a stream, and beside
batches.

Usage: QUIRE_TEST_MINILM=FOLDER tests/bench/decode_beside_embed.py BIN_DIR [ROUNDS]
"""

import pathlib
import statistics
import sys
import tempfile
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
import quire_server  # noqa: E402

BIN_DIR = quire_server.bin_dir()
STUBS = tempfile.TemporaryDirectory(prefix="quire-stubs-")
quire_server.generate_stubs(STUBS.name)

from quire.inference.v1 import inference_pb2 as pb  # noqa: E402
from quire.inference.v1 import inference_pb2_grpc as pb_grpc  # noqa: E402

TOKENS = 400
PASSAGE = "The handbook says how many days of leave an employee has in the first year. " * 9


class Background:
    """Calls `work` again and again on a thread while it is entered."""

    def __init__(self, work):
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.is_set():
            self._work()

    def __enter__(self):
        self._thread.start()
        time.sleep(0.3)

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join()


class Client:
    def __init__(self, stub):
        self._stub = stub

    def stream(self):
        """Tokens per second after the first, and the longest gap in ms."""
        request = pb.GenerateRequest(token_ids=pb.TokenIds(ids=[1, 5]))
        request.stopping.max_tokens = TOKENS
        request.stopping.ignore_eos = True
        times = [time.monotonic() for message in self._stub.StreamGenerate(request)
                 if message.HasField("delta")]
        gaps = [b - a for a, b in zip(times, times[1:])]
        return (TOKENS - 1) / (times[-1] - times[0]), max(gaps) * 1e3

    def embed_document(self):
        self._stub.Embed(pb.EmbedRequest(texts=[PASSAGE] * 32))

    def embed_question(self):
        """Its time in ms."""
        begin = time.monotonic()
        self._stub.Embed(pb.EmbedRequest(texts=["How many days of leave are there?"]))
        return (time.monotonic() - begin) * 1e3


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    server = quire_server.Server(BIN_DIR)
    try:
        client = Client(pb_grpc.InferenceServiceStub(grpc.insecure_channel(server.address)))
        client.stream()
        client.embed_document()
        alone, beside, questions = [], [], {"alone": [], "a stream": [], "a document": []}
        for _ in range(rounds):
            alone.append(client.stream())
            questions["alone"].append(client.embed_question())
            with Background(client.stream):
                questions["a stream"] += [client.embed_question() for _ in range(3)]
            with Background(client.embed_document):
                beside.append(client.stream())
                questions["a document"].append(client.embed_question())
        share = statistics.median(b[0] / a[0] for a, b in zip(alone, beside))
        gap_alone, gap_beside = (statistics.median(x[1] for x in runs) for runs in (alone, beside))
        print(f"a stream beside the embedding of a document: {share:.2f} x of its tokens/s alone; "
              f"longest gap between tokens {gap_beside:.0f} ms, alone {gap_alone:.0f} ms")
        print("a question's embedding: " +
              ", ".join(f"beside {what} {statistics.median(ms):.0f} ms"
                        if what != "alone" else f"alone {statistics.median(ms):.0f} ms"
                        for what, ms in questions.items()))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
