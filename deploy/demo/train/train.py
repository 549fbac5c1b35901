#!/usr/bin/env python3
"""Trains a recipe for a given time and leaves a checkpoint after every stage.

Usage: train.py --recipe gpu --data DIR --tokenizer DIR --out DIR --minutes N
         [--from CHECKPOINT] [--stage NAME]... [--threads N] [--no-compile]

The time is divided among the stages as the recipe says, or among those that --stage names;
compiling counts. --from goes on from a checkpoint's weights; the optimizer starts anew with every
stage. While a stage runs, OUT/STAGE is written every five minutes. Waits for data that make_data.py
is still writing. Runs on the first GPU, else on the CPU; in bf16 with f32 copies where that is fast.
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
import token_vectors
import weights
from hardware import compute_type
from model import Llama
from optimizer import MasterOptimizer
from recipes import RECIPES, Stage
from shards import ANSWER, CONTEXT, DONE, PADDING, PROSE, Rows

WARMUP_STEPS = 100
SAVE_EVERY_SECONDS = 300
BATCHES_AHEAD = 8
LOG_EVERY_STEPS = 100


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


def batches(rows: Rows, stage: Stage, device: torch.device) -> Iterator[tuple[torch.Tensor, ...]]:
    """Arguments of Llama.loss without end, made by a thread of their own."""
    ready: queue.Queue = queue.Queue(BATCHES_AHEAD)

    def fill() -> None:
        rng = np.random.default_rng(2)
        for ids, use in rows.batches(stage.rows):
            chosen, weight = positions(use, stage, rng)
            targets = ids[:, 1:].reshape(-1)[chosen]
            ready.put([torch.from_numpy(a) for a in (ids[:, :-1].copy(), chosen, targets, weight)])

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield tuple(t.to(device, non_blocking=True) for t in ready.get())


class Trainer:
    """Trains one model through stages."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.recipe = RECIPES[arguments.recipe]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(1)
        if arguments.start:
            model = weights.load(arguments.start)
        else:
            model = Llama(self.recipe.model)
            if self.recipe.start_copying:
                vectors = np.load(arguments.data / token_vectors.NAME)
                initialization.Start(model, torch.from_numpy(vectors)).write()
        self.model = model.to(self.device, compute_type(self.device))
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
        optimizer = MasterOptimizer(self.model)
        rows = Rows(folder, stage.length, seed=3)
        began = saved = time.monotonic()
        recent = torch.zeros((), device=self.device)
        for step, batch in enumerate(batches(rows, stage, self.device)):
            elapsed = time.monotonic() - began
            if elapsed >= seconds:
                break
            if stage.quantized:
                quantize_in_place(self.model)
            loss = self.loss(*batch)
            loss.backward()
            optimizer.step(rate_at(stage, elapsed / seconds, step))
            # A mean over the last 20 or so. Reading it waits for the device: only where printed.
            recent = loss.detach() if step == 0 else recent.lerp(loss.detach(), 0.05)
            if step % LOG_EVERY_STEPS == 0:
                print(json.dumps({
                    "stage": stage.name,
                    "step": step,
                    "seconds": round(elapsed),
                    "tokens": (step + 1) * stage.rows * stage.length,
                    "loss": round(recent.item(), 4)
                }),
                      flush=True)
            if time.monotonic() - saved > SAVE_EVERY_SECONDS:
                self.save(stage)
                saved = time.monotonic()
        self.save(stage)

    def save(self, stage: Stage) -> None:
        """Writes the stage's checkpoint."""
        weights.save(self.arguments.out / stage.name, self.model, self.arguments.tokenizer)


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
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    Trainer(arguments).run()


if __name__ == "__main__":
    main()
