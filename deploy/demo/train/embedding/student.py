"""The student: one vector per token; a text's vector is the normalized mean of its tokens' vectors.

It starts as the teacher's vectors of single tokens (as model2vec does: principal components, frequent
tokens scaled down by smooth inverse frequency) and is then fitted on batches of (query, passage) so that
 - the student's similarities rank a batch as the teacher's do (cross entropy of the two softmaxes, by
   queries, by passages and among passages), and
 - a query is nearest to its own passage.
"""

import dataclasses

import numpy
import torch
from torch.nn import functional


@dataclasses.dataclass
class Settings:
    dimension: int = 256
    epochs: int = 12
    batch_pairs: int = 512
    learning_rate: float = 1e-2
    temperature: float = 0.05
    teacher_temperature: float = 0.05
    contrastive_weight: float = 0.3
    sif: float = 1e-3
    init_scale: float = 1.0
    dropout: float = 0.0
    seed: int = 0


class Bags:
    """Token ids of many texts, from which batches are taken."""

    def __init__(self, ids, offsets):
        self.ids = torch.from_numpy(ids.astype(numpy.int64))
        self.offsets = torch.from_numpy(offsets.astype(numpy.int64))

    def __len__(self):
        return len(self.offsets) - 1

    def take(self, rows):
        """(ids, offsets) of these texts for embedding_bag."""
        begins, ends = self.offsets[rows], self.offsets[rows + 1]
        lengths = ends - begins
        offsets = functional.pad(lengths.cumsum(0), (1, 0))
        places = torch.arange(int(offsets[-1])) + torch.repeat_interleave(begins - offsets[:-1], lengths)
        return self.ids[places], offsets[:-1]


def initial_table(token_vectors, counts, settings):
    """[vocabulary, dimension]: principal components of the tokens' vectors, rare tokens heavier."""
    share = (counts + 1) / (counts.sum() + len(counts))
    weight = settings.sif / (settings.sif + share)
    centered = token_vectors - (token_vectors * share[:, None]).sum(0)
    _, _, axes = numpy.linalg.svd(centered, full_matrices=False)
    table = centered @ axes[:settings.dimension].T
    table /= numpy.linalg.norm(table, axis=1, keepdims=True).mean()
    return (table * weight[:, None] * settings.init_scale).astype(numpy.float32)


def embed(table, bags, rows):
    ids, offsets = bags.take(rows)
    return functional.normalize(functional.embedding_bag(ids, table, offsets, mode="mean"))


def embed_all(table, bags, rows_per_batch=2048):
    with torch.inference_mode():
        return torch.cat([embed(table, bags, torch.arange(begin, min(begin + rows_per_batch, len(bags))))
                          for begin in range(0, len(bags), rows_per_batch)])


def ranking_loss(student, teacher, settings):
    """Cross entropy of the teacher's softmax over each row with the student's."""
    target = functional.softmax(teacher / settings.teacher_temperature, dim=1)
    return -(target * functional.log_softmax(student / settings.temperature, dim=1)).sum(1).mean()


def batch_loss(queries, passages, teacher_queries, teacher_passages, settings):
    scores = queries @ passages.T
    wanted = teacher_queries @ teacher_passages.T
    among = passages @ passages.T
    wanted_among = teacher_passages @ teacher_passages.T
    self_mask = torch.eye(len(passages), dtype=torch.bool)
    distilled = (ranking_loss(scores, wanted, settings) + ranking_loss(scores.T, wanted.T, settings)
                 + ranking_loss(among.masked_fill(self_mask, -1), wanted_among.masked_fill(self_mask, -1),
                                settings)) / 3
    labels = torch.arange(len(queries))
    contrastive = functional.cross_entropy(scores / settings.temperature, labels)
    return (1 - settings.contrastive_weight) * distilled + settings.contrastive_weight * contrastive


def batches(pairs, size, generator):
    """Yields rows of `pairs` [n, 2] in random order, each passage at most once a batch."""
    order = torch.randperm(len(pairs), generator=generator)
    for rows in order.split(size):
        batch = pairs[rows]
        _, first = numpy.unique(batch[:, 1].numpy(), return_index=True)
        yield batch[torch.from_numpy(first)]


def fit(table, queries, passages, pairs, teacher_queries, teacher_passages, settings, on_epoch):
    """Trains `table` in place over `pairs` [n, 2] of query and passage. Calls on_epoch(epoch, table)."""
    generator = torch.Generator().manual_seed(settings.seed)
    table = torch.nn.Parameter(torch.from_numpy(table))
    optimizer = torch.optim.Adam([table], lr=settings.learning_rate)
    steps = settings.epochs * -(-len(pairs) // settings.batch_pairs)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps,
                                                   pct_start=0.1)
    for epoch in range(settings.epochs):
        total = 0.0
        count = 0
        for batch in batches(pairs, settings.batch_pairs, generator):
            q, p = batch[:, 0], batch[:, 1]
            loss = batch_loss(embed(table, queries, q), embed(table, passages, p),
                              teacher_queries[q].float(), teacher_passages[p].float(), settings)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            count += 1
        on_epoch(epoch, table.detach(), total / count)
    return table.detach().numpy()
