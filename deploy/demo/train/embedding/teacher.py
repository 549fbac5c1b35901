"""The teacher, all-MiniLM-L6-v2, and its vectors for many texts on a CPU.

It computes in bfloat16 where the CPU has matrix instructions for it. Texts are cut at 256 tokens, as
its own files say. Vectors are cached in shards: a run that was stopped goes on where it was.
"""

import hashlib
import json

import numpy
import tokenizers
import torch
from safetensors.torch import load_file

import bert

MAX_TOKENS = 256
SHARD_TEXTS = 4096


def fastest_dtype():
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


class MiniLm:
    def __init__(self, folder, dtype=None):
        config = json.loads((folder / "config.json").read_text())
        self.shape = bert.Shape(num_layers=config["num_hidden_layers"],
                                num_heads=config["num_attention_heads"],
                                norm_epsilon=config["layer_norm_eps"])
        dtype = dtype or fastest_dtype()
        self.weights = {name: value.to(dtype) for name, value in
                        load_file(folder / "model.safetensors").items() if value.is_floating_point()}
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()

    def encode(self, texts):
        """Unit vectors [len(texts), hidden], f16."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        return bert.encode(self.weights, self.shape, rows)

    @torch.no_grad()
    def hidden(self, rows):
        """(the last layer's output [rows, length, hidden] f32, which tokens are there)."""
        ids, present = bert.padded(rows)
        return bert.Forward(self.weights, self.shape)(ids, present).float(), present


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
            log(f"teacher: {begin + len(shard)} of {len(texts)} texts", flush=True)
        parts.append(numpy.load(path))
    return numpy.concatenate(parts)
