"""BERT encoders in PyTorch, over weights by their names in the Hugging Face checkpoint: the forward
pass of the teacher and of the student."""

import dataclasses
import math

import numpy
import torch
from torch.nn import functional

BATCH_TOKENS = 8192


@dataclasses.dataclass
class Shape:
    num_layers: int
    num_heads: int
    norm_epsilon: float


def padded(rows):
    """(ids [rows, length], which of them are there) of rows of token ids."""
    length = max(map(len, rows))
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    present = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = torch.as_tensor(row)
        present[i, :len(row)] = True
    return ids, present


def mask_of(present):
    """Which tokens may be attended to; None: all."""
    return None if present.all() else present[:, None, None, :]


class Forward:
    """One forward pass over these weights; gradients reach those that want them."""

    def __init__(self, weights, shape):
        self.weights = weights
        self.shape = shape

    def _linear(self, x, name):
        return functional.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def _norm(self, x, name):
        return functional.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"],
                                     self.weights[name + ".bias"], self.shape.norm_epsilon)

    def mix(self, hidden, mask, prefix):
        """What attention gathers, [rows, length, hidden]. `mask`: of mask_of."""
        batch, length, width = hidden.shape
        heads = self.shape.num_heads
        q, k, v = (self._linear(hidden, f"{prefix}attention.self.{name}")
                   .view(batch, length, heads, width // heads).transpose(1, 2)
                   for name in ("query", "key", "value"))
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask,
                                                        scale=1 / math.sqrt(width // heads))
        return mixed.transpose(1, 2).reshape(batch, length, width)

    def attended(self, hidden, mixed, prefix):
        """The output of a layer's first half."""
        return self._norm(hidden + self._linear(mixed, prefix + "attention.output.dense"),
                          prefix + "attention.output.LayerNorm")

    def inner(self, hidden, prefix):
        return functional.gelu(self._linear(hidden, prefix + "intermediate.dense"))

    def output(self, hidden, inner, prefix):
        """The output of a layer. `hidden`: of its first half."""
        return self._norm(hidden + self._linear(inner, prefix + "output.dense"),
                          prefix + "output.LayerNorm")

    def embed(self, ids):
        """What the first layer reads, [rows, length, hidden]."""
        hidden = (functional.embedding(ids, self.weights["embeddings.word_embeddings.weight"])
                  + self.weights["embeddings.position_embeddings.weight"][:ids.shape[1]]
                  + self.weights["embeddings.token_type_embeddings.weight"][0])
        return self._norm(hidden, "embeddings.LayerNorm")

    def __call__(self, ids, present):
        """The last layer's output, [rows, length, hidden]."""
        hidden = self.embed(ids)
        mask = mask_of(present)
        for i in range(self.shape.num_layers):
            prefix = f"encoder.layer.{i}."
            hidden = self.attended(hidden, self.mix(hidden, mask, prefix), prefix)
            hidden = self.output(hidden, self.inner(hidden, prefix), prefix)
        return hidden


def pooled(hidden, present):
    """Unit vectors [rows, hidden]: the mean over the tokens that are there."""
    weight = present[:, :, None].float()
    return functional.normalize((hidden.float() * weight).sum(1) / weight.sum(1))


def token_batches(lengths, batch_tokens):
    """Yields lists of places in `lengths`, alike in length, of `batch_tokens` padded tokens at most."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and (end + 1 - begin) * lengths[order[end]] <= batch_tokens:
            end += 1
        yield order[begin:end]
        begin = end


@torch.inference_mode()
def encode(weights, shape, rows):
    """Unit vectors [len(rows), hidden], f16, of rows of token ids, special tokens included."""
    forward = Forward(weights, shape)
    width = weights["embeddings.LayerNorm.weight"].shape[0]
    out = numpy.empty((len(rows), width), numpy.float16)
    for places in token_batches([len(row) for row in rows], BATCH_TOKENS):
        ids, present = padded([rows[i] for i in places])
        out[places] = pooled(forward(ids, present), present).numpy()
    return out
