#!/usr/bin/env python3
"""CPU time that a streamed token costs the inference server beyond one that is not streamed.

Starts `quire serve`, lets clients generate the same tokens with Generate and with StreamGenerate, turn
by turn, and compares the CPU seconds of the server process (user and system).

Usage: tests/bench/streaming_cost.py BIN_DIR [STREAMS [ROUNDS]]
As in: tests/bench/streaming_cost.py build/release/bin 8
"""

import concurrent.futures
import os
import pathlib
import statistics
import sys
import tempfile

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
import quire_server  # noqa: E402

BIN_DIR = quire_server.bin_dir()
STUBS = tempfile.TemporaryDirectory(prefix="quire-stubs-")
quire_server.generate_stubs(STUBS.name)

from quire.inference.v1 import inference_pb2 as pb  # noqa: E402
from quire.inference.v1 import inference_pb2_grpc as pb_grpc  # noqa: E402

TOKENS = 250


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    server = quire_server.Server(BIN_DIR)
    try:
        stub = pb_grpc.InferenceServiceStub(grpc.insecure_channel(server.address))

        def request(i):
            message = pb.GenerateRequest(token_ids=pb.TokenIds(ids=[1, 3 + i]))
            message.stopping.max_tokens = TOKENS
            message.stopping.ignore_eos = True
            return message

        def stream(i):
            messages = list(stub.StreamGenerate(request(i)))
            return sum(len(m.delta.token_ids) for m in messages), len(messages)

        def unary(i):
            return len(stub.Generate(request(i)).token_ids), 1

        per_token = {stream: [], unary: []}
        messages_per_token = []
        with concurrent.futures.ThreadPoolExecutor(streams) as pool:
            list(pool.map(unary, range(streams)))
            for _ in range(rounds):
                for call in (unary, stream):
                    before = cpu_seconds(server.process.pid)
                    results = [r for _ in range(4) for r in pool.map(call, range(streams))]
                    tokens = sum(r[0] for r in results)
                    per_token[call].append((cpu_seconds(server.process.pid) - before) / tokens * 1e6)
                    if call is stream:
                        messages_per_token.append(sum(r[1] for r in results) / tokens)
        unary_us = statistics.median(per_token[unary])
        stream_us = statistics.median(per_token[stream])
        print(f"{streams} streams of {TOKENS} tokens, CPU of the server per token: "
              f"{unary_us:.1f} us unary, {stream_us:.1f} us streamed: {stream_us - unary_us:.1f} us "
              f"for streaming, {statistics.median(messages_per_token):.2f} messages per token")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
