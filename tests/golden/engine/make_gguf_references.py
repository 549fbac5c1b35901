#!/usr/bin/env python3
"""Records what a float64 forward pass computes on the dequantized weights of tiny GGUF models.

Run: make_gguf_references.py OUT
Needs gguf 0.19 and numpy; the tests read what it wrote and need neither. Each model folder gets
model.gguf, written and dequantized by the package, and expected.json.
"""

import argparse
import json
import pathlib

import gguf
import numpy as np

NUM_TOKENS = 40
NUM_GREEDY_TOKENS = 64
VOCAB = 32
BOS = 1
EPSILON = 1e-5
ROPE_BASE = 10000.0

# Of a block: byte offset of the scale; offset of the minimum and how many scales make it cancel the
# mean of the codes.
SCALES = {
    "Q4_0": (0, None), "Q4_1": (0, (2, -7.5)), "Q5_0": (0, None), "Q5_1": (0, (2, -15.5)),
    "Q8_0": (0, None), "Q2_K": (80, (82, 1.5)), "Q3_K": (108, None), "Q4_K": (0, (2, 7.5)),
    "Q5_K": (0, (2, 15.5)), "Q6_K": (208, None), "IQ4_NL": (0, None), "IQ4_XS": (0, None),
}


def kind_of(name):
    return gguf.GGMLQuantizationType[name]


def random_rows(random, name, rows, columns, deviation):
    """Rows of random blocks whose values deviate by about `deviation` from zero."""
    inputs, size = gguf.GGML_QUANT_SIZES[kind_of(name)]
    blocks = random.integers(0, 256, (rows * columns // inputs, size), dtype=np.uint8)
    scale_at, minimum = SCALES[name]

    def write(offset, values):
        halves = values.astype("<f2").view(np.uint8).reshape(-1, 2)
        blocks[:, offset:offset + 2] = halves

    def write_scales(scales):
        write(scale_at, scales)
        if minimum:
            write(minimum[0], minimum[1] * scales)

    write_scales(np.ones(len(blocks)))
    unit = gguf.quants.dequantize(blocks, kind_of(name)).std()
    write_scales(deviation / unit * random.uniform(0.5, 1.5, len(blocks)))
    return blocks.reshape(rows, -1)


class Model:
    """A GGUF file in the making, and its weights in the order of Hugging Face checkpoints."""

    def __init__(self, random, family, hidden, intermediate, heads, kv_heads, layers):
        self.random, self.family = random, family
        self.hidden, self.intermediate = hidden, intermediate
        self.heads, self.kv_heads, self.layers = heads, kv_heads, layers
        self.head_dim = 16
        self.weights, self.tensors = {}, []
        self.rope_factors = np.ones(self.head_dim // 2)

    def matrix(self, name, rows, columns, kind, deviation=None, heads=0):
        """A weight in blocks or F16; `heads`: its rows are in the file as rotary neighbours."""
        deviation = deviation or 1.5 / np.sqrt(columns)  # so that attention does not saturate
        if kind == "F16":
            stored = (self.random.standard_normal((rows, columns)) * deviation).astype(np.float16)
            value = stored
        else:
            stored = random_rows(self.random, kind, rows, columns, deviation)
            value = gguf.quants.dequantize(stored, kind_of(kind))
        self.weights[name] = value.astype(np.float64)
        if heads and self.family == "llama":
            stored = stored.reshape(heads, 2, -1, stored.shape[1]).swapaxes(1, 2)
            stored = np.ascontiguousarray(stored.reshape(rows, -1))
        self.tensors.append((name, stored, kind))

    def vector(self, name, values):
        values = values.astype(np.float32)
        self.weights[name] = values.astype(np.float64)
        self.tensors.append((name, values, "F32"))

    def norm(self, name):
        self.vector(name, 1.0 + 0.1 * self.random.standard_normal(self.hidden))

    def build(self, types, tied):
        """`types`: of token_embd, output, q, k, v, o, gate, up, down."""
        self.matrix("token_embd.weight", VOCAB, self.hidden, types["token_embd"], 0.1)
        if not tied:
            self.matrix("output.weight", VOCAB, self.hidden, types["output"], 0.2)
        self.norm("output_norm.weight")
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        for layer in range(self.layers):
            at = f"blk.{layer}."
            self.norm(at + "attn_norm.weight")
            self.norm(at + "ffn_norm.weight")
            self.matrix(at + "attn_q.weight", q, self.hidden, types["q"], heads=self.heads)
            self.matrix(at + "attn_k.weight", kv, self.hidden, types["k"], heads=self.kv_heads)
            self.matrix(at + "attn_v.weight", kv, self.hidden, types["v"])
            self.matrix(at + "attn_output.weight", self.hidden, q, types["o"])
            self.matrix(at + "ffn_gate.weight", self.intermediate, self.hidden, types["gate"])
            self.matrix(at + "ffn_up.weight", self.intermediate, self.hidden, types["up"])
            self.matrix(at + "ffn_down.weight", self.hidden, self.intermediate, types["down"])
            if self.family == "qwen2":
                for name, size in (("q", q), ("k", kv), ("v", kv)):
                    self.vector(f"{at}attn_{name}.bias", 0.1 * self.random.standard_normal(size))
        return self

    def add_rope_factors(self):
        factors = np.linspace(1.0, 4.0, self.head_dim // 2).astype(np.float32)
        self.rope_factors = factors.astype(np.float64)
        self.tensors.append(("rope_freqs.weight", factors, "F32"))
        return self

    def write(self, path):
        writer = gguf.GGUFWriter(path, self.family)
        writer.add_context_length(128)
        writer.add_embedding_length(self.hidden)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(self.intermediate)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.kv_heads)
        writer.add_key_length(self.head_dim)
        writer.add_value_length(self.head_dim)
        writer.add_layer_norm_rms_eps(EPSILON)
        writer.add_rope_freq_base(ROPE_BASE)
        writer.add_rope_dimension_count(self.head_dim)
        writer.add_bos_token_id(BOS)
        writer.add_eos_token_id(2)
        for name, stored, kind in self.tensors:
            is_plain = kind in ("F32", "F16")
            writer.add_tensor(name, stored, raw_dtype=None if is_plain else kind_of(kind))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    # The forward pass, over a whole sequence from its start.

    def rms_norm(self, x, name):
        scale = 1.0 / np.sqrt((x * x).mean(-1, keepdims=True) + float(np.float32(EPSILON)))
        return x * scale * self.weights[name]

    def project(self, x, name):
        y = x @ self.weights[name + ".weight"].T
        return y + self.weights.get(name + ".bias", 0.0)

    def rotate(self, x):
        """`x`: [tokens, heads, head_dim]; the pairs of a head are its halves."""
        half = self.head_dim // 2
        frequencies = ROPE_BASE ** (-np.arange(half) * 2.0 / self.head_dim) / self.rope_factors
        angles = (np.arange(len(x))[:, None] * frequencies)[:, None, :]
        first, second = x[..., :half], x[..., half:]
        sine, cosine = np.sin(angles), np.cos(angles)
        return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)

    def attention(self, x, at):
        tokens = len(x)
        q = self.rotate(self.project(x, at + "attn_q").reshape(tokens, self.heads, -1))
        k = self.rotate(self.project(x, at + "attn_k").reshape(tokens, self.kv_heads, -1))
        v = self.project(x, at + "attn_v").reshape(tokens, self.kv_heads, -1)
        k, v = (np.repeat(part, self.heads // self.kv_heads, axis=1) for part in (k, v))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(self.head_dim)
        scores = np.where(np.tri(tokens, dtype=bool), scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return self.project(np.einsum("hqk,khd->qhd", scores, v).reshape(tokens, -1),
                            at + "attn_output")

    def logits(self, ids):
        x = self.weights["token_embd.weight"][ids]
        for layer in range(self.layers):
            at = f"blk.{layer}."
            x = x + self.attention(self.rms_norm(x, at + "attn_norm.weight"), at)
            normed = self.rms_norm(x, at + "ffn_norm.weight")
            gate = self.project(normed, at + "ffn_gate")
            gated = gate / (1.0 + np.exp(-gate)) * self.project(normed, at + "ffn_up")
            x = x + self.project(gated, at + "ffn_down")
        table = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return self.rms_norm(x, "output_norm.weight") @ table.T


LAYERS = ("token_embd", "output", "q", "k", "v", "o", "gate", "up", "down")


def small_blocks(random, name, tied, family="llama"):
    """All layers in one type of 32 weights a block."""
    model = Model(random, family, hidden=64, intermediate=32, heads=2, kv_heads=1, layers=1)
    return model.build(dict.fromkeys(LAYERS, name), tied)


def large_blocks(random, types, tied, layers=1):
    """Types of 256 weights a block; rows of 32 weights are in another type, as converters do it."""
    model = Model(random, "llama", hidden=256, intermediate=32, heads=2, kv_heads=1, layers=layers)
    return model.build({**types, "o": "Q5_0", "down": "Q4_0"}, tied)


def models():
    for number, name in enumerate(SCALES):
        random = np.random.default_rng(number)
        tied = number % 2 == 1
        if gguf.GGML_QUANT_SIZES[kind_of(name)][0] == 32:
            yield f"gguf_{name.lower()}", small_blocks(random, name, tied)
        else:
            yield f"gguf_{name.lower()}", large_blocks(random, dict.fromkeys(LAYERS, name), tied)
    mixed = {"token_embd": "Q6_K", "output": "Q2_K", "q": "Q4_K", "k": "Q5_K", "v": "Q6_K",
             "gate": "IQ4_XS", "up": "Q3_K"}
    model = large_blocks(np.random.default_rng(100), mixed, tied=False)
    yield "gguf_mixed", model.add_rope_factors()
    yield "gguf_qwen2", small_blocks(np.random.default_rng(101), "Q4_1", True, "qwen2")


def record(out, name, model):
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    model.write(folder / "model.gguf")
    ids = model.random.integers(0, VOCAB, NUM_TOKENS).tolist()
    greedy, margin = [BOS], np.inf
    for _ in range(NUM_GREEDY_TOKENS):
        last = model.logits(greedy)[-1]
        best = np.sort(last)[-2:]
        margin = min(margin, best[1] - best[0])
        greedy.append(int(last.argmax()))
    assert margin > 5e-4, f"{name}: the greedy tokens are too close"
    logits = model.logits(ids)
    print(f"{name}: logits deviate by {logits.std():.2f}, greedy margin {margin:.1e}, "
          f"{len(set(greedy))} different tokens")
    expected = {"ids": ids, "logits": [round(float(x), 5) for x in logits.reshape(-1)],
                "greedy": greedy}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    for name, model in models():
        record(arguments.out, name, model)


if __name__ == "__main__":
    main()
