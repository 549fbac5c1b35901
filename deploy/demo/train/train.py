#!/usr/bin/env python3
"""Trains a recipe for a given time and leaves a checkpoint after every stage.

Usage: train.py --recipe gpu --data DIR --tokenizer DIR --out DIR --minutes N
         [--from CHECKPOINT] [--stage NAME]... [--processes N] [--threads N] [--no-compile]

The time is divided among the stages as the recipe says, or among those that --stage names;
compiling counts. --from goes on from a checkpoint's weights; the optimizer starts anew with every
stage. On a CPU use as many processes as cores, each with one thread. While a stage runs, OUT/STAGE
is written every five minutes. Waits for data that make_data.py is still writing. Runs on the first
GPU, else on the CPU; in bf16 with f32 copies where that is fast.
"""

import argparse
import json
import pathlib
import queue
import threading
import time
from collections.abc import Iterator

import numpy as np
import torch

import initialization
import nf4
import team
import token_vectors
import weights
from hardware import compute_type
from model import Llama
from optimizer import MasterOptimizer
from recipes import RECIPES, Stage
from shards import ANSWER, CONTEXT, DONE, PADDING, PROSE, Rows
from team import Team

WARMUP_STEPS = 30
SAVE_EVERY_SECONDS = 300
BATCHES_AHEAD = 8
LOG_EVERY_STEPS = 100
FOLLOWING_WEIGHT = 0.15  # of the pointers' loss at tokens of an answer after its first


def positions(use: np.ndarray, stage: Stage,
              rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the loss is taken, [n] flat positions of what predicts, and the weights there.

    All answers and prose first, then as much of the context as there is room for. n is the same in
    every batch, so that the program is compiled once; places left over have weight 0.
    """
    target = use[:, 1:]
    weight = np.choose(target, [0.0, stage.context_weight, 1.0, 1.0]).astype(np.float32)
    priority = np.choose(target, [0.0, 1.0, 3.0, 2.0]) + rng.random(target.shape) * 0.5
    count = int(target.size * stage.loss_share)
    chosen = np.sort(np.argpartition(-priority.reshape(-1), count - 1)[:count])
    return chosen, weight.reshape(-1)[chosen]


assert (PADDING, CONTEXT, ANSWER, PROSE) == (0, 1, 2, 3)


def sources(source: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the targets at `chosen` are copied from, [n] places in their rows, and weights; 0: not copied.

    The first token of an answer is what must be found; the others follow the one before.
    """
    target, before = source[:, 1:], source[:, :-1]
    first = (target > 0) & (target != before + 1)
    weight = np.where(first, 1.0, np.where(target > 0, FOLLOWING_WEIGHT, 0.0)).astype(np.float32)
    places = np.maximum(target - 1, 0)
    return places.reshape(-1)[chosen], weight.reshape(-1)[chosen]


def rate_at(stage: Stage, progress: float, step: int) -> float:
    """The learning rate: a short warm-up, then from the first to the last rate in a line."""
    first, last = stage.rate
    return (first + (last - first) * progress) * min(1.0, (step + 1) / WARMUP_STEPS)


def quantize_in_place(model: Llama) -> None:
    """Puts NF4's rounding of each linear weight into the model; the f32 copies stay as they are."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if nf4.is_quantized(name):
                parameter.copy_(nf4.rounded(parameter))


def batches(rows: Rows, size: int, stage: Stage,
            device: torch.device) -> Iterator[tuple[torch.Tensor, ...]]:
    """Arguments of Llama.loss for `size` rows each without end, made by a thread of their own."""
    ready: queue.Queue = queue.Queue(BATCHES_AHEAD)

    def fill() -> None:
        rng = np.random.default_rng(2)
        for ids, use, source in rows.batches(size):
            chosen, weight = positions(use, stage, rng)
            targets = ids[:, 1:].reshape(-1)[chosen]
            arrays = (ids[:, :-1].copy(), chosen, targets, weight, *sources(source, chosen))
            ready.put([torch.from_numpy(a) for a in arrays])

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield tuple(t.to(device, non_blocking=True) for t in ready.get())


class Trainer:
    """Trains one model through stages, as one of a team."""

    def __init__(self, team: Team, arguments: argparse.Namespace):
        self.team, self.arguments = team, arguments
        self.recipe = RECIPES[arguments.recipe]
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(1)
        if arguments.start:
            model = weights.load(arguments.start)
        else:
            model = Llama(self.recipe.model)
            if self.recipe.start_copying:
                vectors = np.load(arguments.data / token_vectors.NAME)
                initialization.Start(model, torch.from_numpy(vectors)).write()
        # Measured: processes of a team may not have measured alike.
        fast_in_bf16 = team.agree(compute_type(self.device) == torch.bfloat16)
        self.model = model.to(self.device, torch.bfloat16 if fast_in_bf16 else torch.float32)
        self.loss = self.model.loss if arguments.no_compile else torch.compile(self.model.loss,
                                                                               dynamic=False)

    def run(self) -> None:
        """The stages asked for, each with its share of the time."""
        stages = [
            s for s in self.recipe.stages
            if not self.arguments.stage or s.name in self.arguments.stage
        ]
        total = sum(stage.share for stage in stages)
        for stage in stages:
            self.run_stage(stage, self.arguments.minutes * 60 * stage.share / total)

    def run_stage(self, stage: Stage, seconds: float) -> None:
        """Trains one stage for `seconds` and saves."""
        folder = self.arguments.data / stage.name
        while not (folder / DONE).exists():
            time.sleep(1)
        optimizer = MasterOptimizer(self.model, self.team)
        rows = Rows(folder, stage.length, 3, self.team.rank, self.team.size)
        rows_each = max(1, stage.rows // self.team.size)
        began, saved = time.monotonic(), 0.0
        recent = torch.zeros((), device=self.device)
        for step, batch in enumerate(batches(rows, rows_each, stage, self.device)):
            elapsed = self.team.agree(time.monotonic() - began)
            if elapsed >= seconds:
                break
            if stage.quantized:
                quantize_in_place(self.model)
            loss = self.loss(*batch, self.recipe.pointers)
            loss.backward()
            optimizer.step(rate_at(stage, elapsed / seconds, step))
            # A mean over the last 20 or so. Reading it waits for the device: only where printed.
            recent = loss.detach() if step == 0 else recent.lerp(loss.detach(), 0.05)
            if step % LOG_EVERY_STEPS == 0 and self.team.rank == 0:
                print(json.dumps({
                    "stage": stage.name,
                    "step": step,
                    "seconds": round(elapsed),
                    "tokens": (step + 1) * rows_each * self.team.size * stage.length,
                    "loss": round(recent.item(), 4)
                }),
                      flush=True)
            if elapsed - saved > SAVE_EVERY_SECONDS:
                self.save(stage)
                saved = elapsed
        self.save(stage)

    def save(self, stage: Stage) -> None:
        """Writes the stage's checkpoint, once for the team."""
        if self.team.rank == 0:
            weights.save(self.arguments.out / stage.name, self.model, self.arguments.tokenizer)


def train(team: Team, arguments: argparse.Namespace) -> None:
    """All of it, as one of a team."""
    Trainer(team, arguments).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--from", dest="start", type=pathlib.Path)
    parser.add_argument("--stage", action="append")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, help="of each process")
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    with torch.device("meta"):  # for its size alone
        parameters = sum(p.numel() for p in Llama(RECIPES[arguments.recipe].model).parameters())
    team.run(arguments.processes, parameters, train, arguments)


if __name__ == "__main__":
    main()
