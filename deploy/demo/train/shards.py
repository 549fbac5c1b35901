"""Training rows: token ids and what each is for, packed whole examples to a row, in binary files.

A shard is two files: NAME.ids, u16 [rows, length], and NAME.use, u8 of the same shape.
"""

import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

PADDING, CONTEXT, ANSWER, PROSE = range(4)  # values of .use
DONE = "done"  # a file with this name is in the folder of a stage when its shards are complete
POOL = 64  # examples kept back, to fill rows with


def pack(examples: Iterable[tuple[list[int], list[int]]],
         length: int) -> Iterator[tuple[list[int], list[int]]]:
    """Rows of at most `length` from (ids, uses) of examples: the longest that fits goes in next.

    An example longer than a row is left out, for a cut one would teach wrong answers.
    """
    pool: list[tuple[list[int], list[int]]] = []
    row_ids: list[int] = []
    row_use: list[int] = []

    def take() -> bool:
        room = length - len(row_ids)
        best = max((p for p in pool if len(p[0]) <= room), key=lambda p: len(p[0]), default=None)
        if best is None:
            return False
        pool.remove(best)
        row_ids.extend(best[0])
        row_use.extend(best[1])
        return True

    for ids, use in examples:
        if len(ids) > length:
            continue
        pool.append((ids, use))
        if len(pool) < POOL:
            continue
        if not row_ids:
            # The oldest first: a row of the longest alone would sort the file by length.
            first = pool.pop(0)
            row_ids, row_use = list(first[0]), list(first[1])
        elif not take():
            yield row_ids, row_use
            row_ids, row_use = [], []
    while pool:
        if not take():
            yield row_ids, row_use
            row_ids, row_use = [], []
    if row_ids:
        yield row_ids, row_use


def write(path: pathlib.Path, rows: Iterable[tuple[list[int], list[int]]], length: int, tokens: int,
          padding: int) -> int:
    """Writes rows until they hold `tokens`; returns how many tokens they hold."""
    written = 0
    with open(f"{path}.ids", "wb") as ids_file, open(f"{path}.use", "wb") as use_file:
        for ids, use in rows:
            gap = length - len(ids)
            ids_file.write(np.array(ids + [padding] * gap, dtype=np.uint16).tobytes())
            use_file.write(np.array(use + [PADDING] * gap, dtype=np.uint8).tobytes())
            written += len(ids)
            if written >= tokens:
                break
    return written


class Rows:
    """Rows of all shards of a folder that have one length, in an order that a seed decides."""

    def __init__(self, folder: pathlib.Path, length: int, seed: int):
        paths = sorted(folder.glob("*.ids"))
        if not paths:
            raise FileNotFoundError(f"{folder}: wanted *.ids, have none")
        self.ids = [np.memmap(p, dtype=np.uint16, mode="r").reshape(-1, length) for p in paths]
        self.use = [
            np.memmap(p.with_suffix(".use"), dtype=np.uint8, mode="r").reshape(-1, length)
            for p in paths
        ]
        self.index = np.array([(s, r) for s, shard in enumerate(self.ids) for r in range(len(shard))
                              ])
        self.rng = np.random.default_rng(seed)

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(ids, use) of `size` rows each, without end; every row once before any comes again."""
        while True:
            order = self.rng.permutation(len(self.index))
            for start in range(0, len(order) - size + 1, size):
                chosen = self.index[order[start:start + size]]
                yield (np.stack([self.ids[s][r] for s, r in chosen]).astype(np.int64),
                       np.stack([self.use[s][r] for s, r in chosen]))
