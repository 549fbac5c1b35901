#!/usr/bin/env python3
"""Measures PyTorch on this GPU in the way quire_gpu_bench measures our kernels.

Attention with each backend of scaled_dot_product_attention, bf16 matmul, 4-bit and 8-bit products and
a compiled decode loop; with --bench, ratios to our rows of the same shape. What a version of PyTorch
does not have is said and left out. Times are by the GPU's clock with cold caches, medians of 20.
"""

import argparse
import json
import statistics
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

FLUSH_BYTES = 256 << 20
REPEATS = 20


class Clock:
    """Times of a callable on the current stream, after two calls that warm up."""

    def __init__(self):
        self.flush = torch.empty(FLUSH_BYTES, dtype=torch.int8, device="cuda")

    def median_s(self, call):
        times = []
        for i in range(REPEATS + 2):
            self.flush.zero_()
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            call()
            stop.record()
            stop.synchronize()
            if i >= 2:
                times.append(start.elapsed_time(stop) * 1e-3)
        return statistics.median(times)


class Table:
    def __init__(self, clock):
        self.clock = clock
        self.rows = []

    def add(self, name, call, flops=0, read_bytes=0):
        try:
            seconds = self.clock.median_s(call)
        except (RuntimeError, AttributeError, NotImplementedError) as error:
            print(f"{name}: not measured: {str(error).splitlines()[0]}", file=sys.stderr)
            return
        row = {"name": name, "median_s": seconds}
        text = f"{seconds * 1e6:10.2f} us"
        if flops:
            row["flops_per_s"] = flops / seconds
            text += f" {flops / seconds * 1e-12:8.2f} TFLOP/s"
        if read_bytes:
            row["bytes_per_s"] = read_bytes / seconds
            text += f" {read_bytes / seconds * 1e-9:8.1f} GB/s"
        self.rows.append(row)
        print(f"{name:<72}{text}", flush=True)

    def seconds(self, name):
        return next((row["median_s"] for row in self.rows if row["name"] == name), None)


def bf16(*shape):
    return torch.randn(*shape, dtype=torch.bfloat16, device="cuda")


def measure_marks(table):
    size = 8192
    a, b = bf16(size, size), bf16(size, size)
    table.add("matmul/bf16/8192^3", lambda: a @ b, flops=2 * size**3)
    source = torch.empty(1 << 30, dtype=torch.int8, device="cuda")
    target = torch.empty_like(source)
    table.add("copy/1GiB", lambda: target.copy_(source), read_bytes=2 * source.numel())


def measure_attention(table):
    backends = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION,
                "efficient": SDPBackend.EFFICIENT_ATTENTION}
    for head_dim in (64, 96, 128, 256):
        heads = 2048 // head_dim
        for length in (1024, 4096, 8192, 16384):
            batch = 16384 // length
            q, k, v = (bf16(batch, heads, length, head_dim) for _ in range(3))
            flops = 2 * batch * heads * length**2 * head_dim  # half of the pairs are masked
            for name, backend in backends.items():
                with sdpa_kernel(backend):
                    table.add(f"sdpa/{name}/causal/d:{head_dim}/length:{length}",
                              lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                              flops=flops)


def measure_products(table):
    for size in (4096, 8192, 16384):
        weight = bf16(size, size)
        codes = torch.randint(0, 256, (size, size // 2), dtype=torch.uint8, device="cuda")
        scales = bf16(size // 128, size, 2)
        eight = torch.randint(-127, 128, (size, size), dtype=torch.int8, device="cuda")
        eight_scales = bf16(size)
        for rows in (1, 4, 16, 64, 512):
            x = bf16(rows, size)
            at = f"rows:{rows}/in:{size}/out:{size}"
            flops = 2 * rows * size * size if rows > 16 else 0
            reads = 2 * size * size if rows <= 16 else 0
            table.add(f"linear/bf16/{at}", lambda: F.linear(x, weight), flops, reads)

            def int4():
                packed = torch.ops.aten._convert_weight_to_int4pack(codes, 8)
                return lambda: torch.ops.aten._weight_int4pack_mm(x, packed, 128, scales)

            try:
                call = int4()
            except (RuntimeError, AttributeError) as error:
                print(f"int4: not measured: {str(error).splitlines()[0]}", file=sys.stderr)
            else:
                table.add(f"linear/int4-g128/{at}", call, flops, reads // 4)
            table.add(f"linear/int8/{at}",
                      lambda: torch.ops.aten._weight_int8pack_mm(x, eight, eight_scales), flops,
                      reads // 2)


class DecodeStep(torch.nn.Module):
    """One token of the layers of llama-3.1-8b, with a static cache, as a compiled loop runs them."""

    def __init__(self, layers=32, hidden=4096, heads=32, kv_heads=8, inner=14336, context=1024):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, hidden // heads
        kv = kv_heads * self.head_dim
        linear = lambda i, o: torch.nn.Linear(i, o, bias=False, dtype=torch.bfloat16, device="cuda")
        self.layers = torch.nn.ModuleList(torch.nn.ModuleList((
            linear(hidden, hidden + 2 * kv), linear(hidden, hidden), linear(hidden, 2 * inner),
            linear(inner, hidden))) for _ in range(layers))
        self.norms = torch.nn.Parameter(torch.ones(2 * layers, hidden, dtype=torch.bfloat16,
                                                   device="cuda"))
        self.cache = bf16(layers, 2, 1, kv_heads, context, self.head_dim)
        self.head = linear(hidden, 128256)

    def forward(self, x):
        for i, (qkv, out, up, down) in enumerate(self.layers):
            h = F.rms_norm(x, x.shape[-1:], self.norms[2 * i])
            q, k, v = qkv(h).split([x.shape[-1]] + 2 * [self.kv_heads * self.head_dim], -1)
            self.cache[i, 0, :, :, -1:] = k.view(1, 1, self.kv_heads, -1).transpose(1, 2)
            self.cache[i, 1, :, :, -1:] = v.view(1, 1, self.kv_heads, -1).transpose(1, 2)
            a = F.scaled_dot_product_attention(q.view(1, 1, self.heads, -1).transpose(1, 2),
                                               self.cache[i, 0], self.cache[i, 1], enable_gqa=True)
            x = x + out(a.transpose(1, 2).reshape(1, 1, -1))
            gate, value = up(F.rms_norm(x, x.shape[-1:], self.norms[2 * i + 1])).chunk(2, -1)
            x = x + down(F.silu(gate) * value)
        return self.head(x).argmax(-1)


def measure_decode(table):
    with torch.no_grad():
        step = DecodeStep()
        weight_bytes = sum(p.numel() * p.element_size() for p in step.parameters())
        x = bf16(1, 1, 4096)
        compiled = torch.compile(step, mode="max-autotune", fullgraph=True)
        table.add("decode/compiled/llama-3.1-8b/bf16/context:1024", lambda: compiled(x),
                  read_bytes=weight_bytes)


def print_ratios(table, bench):
    """Our rows of quantized products and PyTorch's of the same shape."""
    peers = {"gptq-int4-g128/": "int4-g128", "llm-int8/": "int8"}
    for row in bench["rows"]:
        for start, peer in peers.items():
            before, found, at = row["name"].partition(start)
            if not found or not before.startswith("QuantizedLinear/"):
                continue
            for other in (peer, "bf16"):
                seconds = table.seconds(f"linear/{other}/{at}")
                if seconds:
                    print(f"{row['name']}: {seconds / row['median_s']:.2f} times as fast as "
                          f"PyTorch's {other}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", help="JSON of quire_gpu_bench")
    parser.add_argument("--json", help="where to write the rows")
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}")
    table = Table(Clock())
    measure_marks(table)
    measure_attention(table)
    measure_products(table)
    measure_decode(table)
    if options.bench:
        with open(options.bench, encoding="utf-8") as file:
            print_ratios(table, json.load(file))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "rows": table.rows}, file, indent=1)


if __name__ == "__main__":
    main()
