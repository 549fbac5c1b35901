"""Retrieval scores over held-out passages: nDCG@10 of the one right passage, a mean over sources."""

import collections
import math

import torch

DEPTH = 10


def ndcg_by_source(queries, passages, pairs):
    """{source: nDCG@10}. `queries`: a unit vector per pair; `passages`: a unit vector per passage."""
    gains = collections.defaultdict(list)
    for begin in range(0, len(pairs), 1024):
        part = pairs[begin:begin + 1024]
        scores = queries[begin:begin + len(part)] @ passages.T
        right = scores[torch.arange(len(part)), torch.tensor([pair.passage for pair in part])]
        ranks = (scores > right[:, None]).sum(1) + 1
        for pair, rank in zip(part, ranks.tolist()):
            gains[pair.source].append(1 / math.log2(rank + 1) if rank <= DEPTH else 0.0)
    return {source: sum(values) / len(values) for source, values in sorted(gains.items())}


def macro(scores):
    return sum(scores.values()) / len(scores)
