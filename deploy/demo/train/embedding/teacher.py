"""Vectors of the teacher, all-MiniLM-L6-v2, for many texts on a CPU.

The forward pass is written out in PyTorch, in bfloat16 where the CPU has matrix instructions for it.
Texts are cut at 256 tokens, as the teacher's own files say. Vectors are cached in shards: a run that
was stopped goes on where it was.
"""

import hashlib
import json
import math

import numpy
import tokenizers
import torch
from safetensors.torch import load_file

MAX_TOKENS = 256
BATCH_TOKENS = 8192
SHARD_TEXTS = 4096


class MiniLm:
    def __init__(self, folder, dtype=torch.bfloat16):
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = {name: value.to(dtype) for name, value in
                        load_file(folder / "model.safetensors").items() if value.is_floating_point()}
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()

    def _linear(self, x, name):
        return torch.nn.functional.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def _norm(self, x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"],
                                              self.weights[name + ".bias"], self.config["layer_norm_eps"])

    def _layer(self, hidden, mask, prefix):
        batch, length, width = hidden.shape
        heads = self.config["num_attention_heads"]
        q, k, v = (self._linear(hidden, f"{prefix}attention.self.{name}")
                   .view(batch, length, heads, width // heads).transpose(1, 2)
                   for name in ("query", "key", "value"))
        mixed = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, scale=1 / math.sqrt(width // heads))
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        hidden = self._norm(hidden + self._linear(mixed, prefix + "attention.output.dense"),
                            prefix + "attention.output.LayerNorm")
        inner = torch.nn.functional.gelu(self._linear(hidden, prefix + "intermediate.dense"))
        return self._norm(hidden + self._linear(inner, prefix + "output.dense"),
                          prefix + "output.LayerNorm")

    @torch.inference_mode()
    def forward(self, rows):
        """Unit vectors [len(rows), hidden] of rows of token ids, special tokens included."""
        length = max(map(len, rows))
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        present = torch.zeros(len(rows), length, dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, :len(row)] = torch.tensor(row)
            present[i, :len(row)] = True
        hidden = (self.weights["embeddings.word_embeddings.weight"][ids]
                  + self.weights["embeddings.position_embeddings.weight"][:length]
                  + self.weights["embeddings.token_type_embeddings.weight"][0])
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        mask = present[:, None, None, :]
        for i in range(self.config["num_hidden_layers"]):
            hidden = self._layer(hidden, mask, f"encoder.layer.{i}.")
        weight = present[:, :, None].float()
        mean = (hidden.float() * weight).sum(1) / weight.sum(1)
        return torch.nn.functional.normalize(mean).numpy()

    def encode(self, texts):
        """Unit vectors [len(texts), hidden], f16."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        return self.encode_ids(rows)

    def encode_ids(self, rows):
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = numpy.empty((len(rows), self.config["hidden_size"]), numpy.float16)
        begin = 0
        while begin < len(order):
            end = begin
            while end < len(order) and (end + 1 - begin) * len(rows[order[end]]) <= BATCH_TOKENS:
                end += 1
            out[order[begin:end]] = self.forward([rows[i] for i in order[begin:end]])
            begin = end
        return out


def cached_vectors(teacher, texts, folder, log=print):
    """teacher.encode(texts), computed and kept in `folder` by shards named after their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for begin in range(0, len(texts), SHARD_TEXTS):
        shard = texts[begin:begin + SHARD_TEXTS]
        path = folder / (hashlib.sha256("\0".join(shard).encode()).hexdigest()[:24] + ".npy")
        if not path.exists():
            scratch = path.with_suffix(".part.npy")
            numpy.save(scratch, teacher.encode(shard))
            scratch.rename(path)
            log(f"teacher: {begin + len(shard)} of {len(texts)} texts")
        parts.append(numpy.load(path))
    return numpy.concatenate(parts)
