"""Rounds a student's matrices into 4-bit blocks so that what they give for real texts changes least.

Column by column, the error of a column is made up for by the columns that are still to come, as far as
the inputs go together. Source: Frantar et al. 2022, "GPTQ", algorithm 1. The part of the error that all
tokens share goes into the bias. From the first layer up: each is rounded for what the rounded ones below
it give.
"""

import torch

import bert
import iq4_nl

DAMPING = 0.01  # of the mean square of the inputs


def round_matrix(weight, gram):
    """Blocks for `weight` [out, in]. `gram`: [in, in], the sum over tokens of input times input."""
    weight = weight.clone()
    size = weight.shape[1]
    gram = gram.double()
    gram.diagonal().add_(DAMPING * gram.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    factor = torch.linalg.cholesky(inverse, upper=True).float()
    codes = torch.empty(weight.shape, dtype=torch.long)
    scales = []
    for begin in range(0, size, iq4_nl.BLOCK):
        end = begin + iq4_nl.BLOCK
        block = weight[:, begin:end]  # a view: its errors move within it at once, beyond it at its end
        scale = iq4_nl.find_scales(block)
        errors = torch.empty_like(block)
        for i in range(iq4_nl.BLOCK):
            column = begin + i
            codes[:, column:column + 1] = iq4_nl.nearest(block[:, i:i + 1], scale)
            rounded = iq4_nl.VALUES[codes[:, column]] * scale[:, 0]
            errors[:, i] = (block[:, i] - rounded) / factor[column, column]
            block[:, i + 1:] -= errors[:, i:i + 1] * factor[column, column + 1:end]
        weight[:, end:] -= errors @ factor[begin:end, end:]
        scales.append(scale)
    return iq4_nl.Blocks(codes, torch.cat(scales, dim=1))


class Rounding:
    """Rounds the matrices of one student. `weights` becomes what the file will hold, `blocks` the 4-bit
    part of it by name."""

    def __init__(self, weights, shape):
        self.weights, self.shape = dict(weights), shape
        self.blocks = {}

    def _keep(self, name, blocks):
        self.blocks[name] = blocks
        self.weights[name] = blocks.values()

    def _round(self, names, inputs):
        """`inputs`: [tokens, in] that the matrices of these layers multiply."""
        gram, mean = inputs.T @ inputs, inputs.mean(0)
        for name in names:
            weight = self.weights[name + ".weight"]
            self._keep(name + ".weight", round_matrix(weight, gram))
            change = weight - self.weights[name + ".weight"]
            self.weights[name + ".bias"] = self.weights[name + ".bias"] + change @ mean

    @torch.no_grad()
    def run(self, rows):
        """`rows`: token ids of texts like those to come."""
        name = "embeddings.word_embeddings.weight"
        self._keep(name, iq4_nl.quantize(self.weights[name]))
        forward = bert.Forward(self.weights, self.shape)
        batches = [bert.padded([rows[i] for i in places])
                   for places in bert.token_batches([len(row) for row in rows], bert.BATCH_TOKENS)]
        masks = [bert.mask_of(present) for _, present in batches]
        hidden = [forward.embed(ids) for ids, _ in batches]

        def tokens(parts):
            return torch.cat([x[present] for x, (_, present) in zip(parts, batches)])

        for layer in range(self.shape.num_layers):
            prefix = f"encoder.layer.{layer}."
            self._round([f"{prefix}attention.self.{part}" for part in ("query", "key", "value")],
                        tokens(hidden))
            mixed = [forward.mix(x, mask, prefix) for x, mask in zip(hidden, masks)]
            self._round([prefix + "attention.output.dense"], tokens(mixed))
            hidden = [forward.attended(x, y, prefix) for x, y in zip(hidden, mixed)]
            self._round([prefix + "intermediate.dense"], tokens(hidden))
            inner = [forward.inner(x, prefix) for x in hidden]
            self._round([prefix + "output.dense"], tokens(inner))
            hidden = [forward.output(x, y, prefix) for x, y in zip(hidden, inner)]
