"""Vectors of tokens from counting which stand near each other: what words mean, in half a minute.

Positive pointwise mutual information of tokens within a window, factored. Tokens that stand in the same
surroundings get like vectors: " cost" and " price", " Monday" and " Tuesday". An embedding that begins
with them finds a passage by other words than its own from the first step on.

Sources: Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization"; Levy, Goldberg
and Dagan 2015, "Improving distributional similarity with lessons learned from word embeddings" (weights
of the window, smoothed context distribution).
"""

import pathlib
from collections.abc import Iterable

import numpy as np
import torch

import real_text
from tokenizer import PAD, SPECIAL, Encoder

NAME = "vectors.npy"  # in the folder of the data
WINDOW = (1.0, 1.0, 0.7, 0.5, 0.3)  # weight of a pair by its distance
PROSE_TOKENS = 30_000_000
PROSE_CHARS = 20_000  # of each document
SHARD_TOKENS = 400_000  # of each shard of training rows
SMOOTHING = 0.75  # power of the context distribution
RARE = 50.0  # counts of a token at which its vector has half its length
DIMENSIONS = 200
AT_ONCE = 4_000_000  # pairs counted at a time


def unit(rows: torch.Tensor) -> torch.Tensor:
    """Rows of length one; zero stays zero."""
    return rows / (rows.norm(dim=1, keepdim=True) + 1e-6)


def prose_tokens(text: pathlib.Path, encoder: Encoder) -> Iterable[np.ndarray]:
    """Ids of documents, each followed by padding as wide as the window."""
    gap = [encoder.special[PAD]] * len(WINDOW)
    count = 0
    for document in real_text.prose(text):
        if count >= PROSE_TOKENS:
            return
        ids = encoder.encode(document[:PROSE_CHARS])
        count += len(ids)
        yield np.array(ids + gap, dtype=np.int64)


def shard_tokens(data: pathlib.Path) -> Iterable[np.ndarray]:
    """The beginnings of all shards of training rows."""
    for path in sorted(data.glob("*/*.ids")):
        yield np.fromfile(path, dtype=np.uint16, count=SHARD_TOKENS).astype(np.int64)


def counted(ids: np.ndarray, vocab: int) -> torch.Tensor:
    """How often two tokens stand near each other, weighted by distance: [vocab, vocab], symmetric."""
    counts = np.zeros(vocab * vocab, dtype=np.float32)
    for distance, weight in enumerate(WINDOW, 1):
        for start in range(0, len(ids) - distance, AT_ONCE):
            second = ids[start + distance:start + distance + AT_ONCE]
            pairs = ids[start:start + len(second)] * vocab + second
            counts += weight * np.bincount(pairs, minlength=len(counts)).astype(np.float32)
    counts = counts.reshape(vocab, vocab)
    counts += counts.T.copy()
    counts[:len(SPECIAL)] = 0
    counts[:, :len(SPECIAL)] = 0
    return torch.from_numpy(counts)


def factored(counts: torch.Tensor) -> torch.Tensor:
    """Vectors of length one, [vocab, DIMENSIONS - 1]; zero for tokens that never occurred."""
    frequency = counts.sum(dim=1)
    context = frequency**SMOOTHING
    context /= context.sum()
    expected = (frequency[:, None] + 1e-9) * (context[None] + 1e-12)
    information = torch.log((counts / expected).clamp(min=1.0))
    information *= (frequency / (frequency + RARE))[:, None]
    left, values, _ = torch.svd_lowrank(information, DIMENSIONS, niter=4)
    # The first direction tells how frequent a token is, not what it means.
    return unit((left * values.sqrt())[:, 1:])


def write(data: pathlib.Path, text: pathlib.Path, encoder: Encoder) -> None:
    """Counts prose and the training rows in `data` and writes data/vectors.npy, f32."""
    if list(SPECIAL) != sorted(encoder.special, key=encoder.special.get):
        raise ValueError("wanted the special tokens first in the vocabulary")
    torch.manual_seed(7)
    ids = np.concatenate([*prose_tokens(text, encoder), *shard_tokens(data)])
    np.save(data / NAME, factored(counted(ids, encoder.vocab_size)).numpy())
