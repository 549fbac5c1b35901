#!/usr/bin/python3
"""Waits until a gRPC server says SERVING. Run: wait_until_serving.py ADDRESS PID SECONDS.

Fails at once if process PID, which is to serve there, has ended. Speaks grpc.health.v1 by hand, so
that it needs no generated code: an empty HealthCheckRequest, and field 1 of the response, 1 being
SERVING.
"""

import os
import sys
import time

import grpc

SERVING = b"\x08\x01"


def is_alive(pid):
    """Returns whether process `pid` runs; one that has ended but was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until_serving(address, pid, seconds):
    """Returns None when `address` serves, else why it does not."""
    deadline = time.monotonic() + seconds
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        reason = "no answer"
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return "the process has ended"
            try:
                if check(b"", timeout=2, wait_for_ready=True) == SERVING:
                    return None
                reason = "it is not serving yet"
            except grpc.RpcError as error:
                reason = error.details()
            time.sleep(0.1)
    return f"not serving after {seconds:g} s: {reason}"


def main(address, pid, seconds):
    reason = wait_until_serving(address, int(pid), float(seconds))
    if reason:
        print(f"{address}: {reason}", file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
