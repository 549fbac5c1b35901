"""Training rows: token ids and what each is for, packed whole examples to a row, in binary files.

A shard is three files: NAME.ids, u16 [rows, length], and of the same shape NAME.use, u8, and NAME.source, u16:
1 + the place in the row that the token is copied from, 0 if from none.
"""

import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

Row = tuple[list[int], list[int], list[int]]  # ids, uses, sources

PADDING, CONTEXT, ANSWER, PROSE = range(4)  # values of .use
DONE = "done"  # a file with this name is in the folder of a stage when its shards are complete
POOL = 64  # examples kept back, to fill rows with


def pack(examples: Iterable[Row], length: int) -> Iterator[Row]:
    """Rows of at most `length` from examples: the longest that fits goes in next.

    An example longer than a row is left out, for a cut one would teach wrong answers.
    """
    pool: list[Row] = []
    row: Row = ([], [], [])

    def add(ids: list[int], uses: list[int], sources: list[int]) -> None:
        before = len(row[0])
        row[0].extend(ids)
        row[1].extend(uses)
        row[2].extend(source + before if source else 0 for source in sources)

    def take() -> bool:
        room = length - len(row[0])
        best = max((p for p in pool if len(p[0]) <= room), key=lambda p: len(p[0]), default=None)
        if best is None:
            return False
        pool.remove(best)
        add(*best)
        return True

    for example in examples:
        if len(example[0]) > length:
            continue
        pool.append(example)
        if len(pool) < POOL:
            continue
        if not row[0]:
            # The oldest first: a row of the longest alone would sort the file by length.
            add(*pool.pop(0))
        elif not take():
            yield row
            row = ([], [], [])
    while pool:
        if not take():
            yield row
            row = ([], [], [])
    if row[0]:
        yield row


def write(path: pathlib.Path, rows: Iterable[Row], length: int, tokens: int, padding: int) -> int:
    """Writes rows until they hold `tokens`; returns how many tokens they hold."""
    written = 0
    with (open(f"{path}.ids", "wb") as ids_file, open(f"{path}.use", "wb") as
          use_file, open(f"{path}.source", "wb") as source_file):
        for ids, use, source in rows:
            gap = length - len(ids)
            ids_file.write(np.array(ids + [padding] * gap, dtype=np.uint16).tobytes())
            use_file.write(np.array(use + [PADDING] * gap, dtype=np.uint8).tobytes())
            source_file.write(np.array(source + [0] * gap, dtype=np.uint16).tobytes())
            written += len(ids)
            if written >= tokens:
                break
    return written


class Rows:
    """Part `part` of `parts` of the rows of all shards of a folder, in an order that a seed decides."""

    def __init__(self, folder: pathlib.Path, length: int, seed: int, part: int = 0, parts: int = 1):
        paths = sorted(folder.glob("*.ids"))
        if not paths:
            raise FileNotFoundError(f"{folder}: wanted *.ids, have none")
        self.shards = [[
            np.memmap(path.with_suffix(suffix), dtype=dtype, mode="r").reshape(-1, length)
            for suffix, dtype in ((".ids", np.uint16), (".use", np.uint8), (".source", np.uint16))
        ]
                       for path in paths]
        self.index = np.array([
            (s, r) for s, shard in enumerate(self.shards) for r in range(len(shard[0]))
        ])[part::parts]
        self.rng = np.random.default_rng(seed)

    def batches(self, size: int) -> Iterator[tuple[np.ndarray, ...]]:
        """(ids, use, source) of `size` rows each, without end; every row once before any comes again."""
        while True:
            order = self.rng.permutation(len(self.index))
            for start in range(0, len(order) - size + 1, size):
                chosen = self.index[order[start:start + size]]
                yield tuple(
                    np.stack([self.shards[s][part][r]
                              for s, r in chosen]).astype(np.int64)
                    for part in range(3))
