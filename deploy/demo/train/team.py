"""Processes that train one model on one machine: each reads its part of a batch, all take the same steps.

On CPUs two processes of one thread make more tokens than one process of two: nothing waits for the
other core but once a step, and a busy machine costs its share instead of everything.
"""

from collections.abc import Callable

import torch
import torch.multiprocessing


class Team:
    """One process's view. Alone (`size` 1) nothing is exchanged. Every call is made by all of a team."""

    def __init__(self,
                 rank: int = 0,
                 size: int = 1,
                 area: "torch.Tensor | None" = None,
                 barrier=None):
        """`area`: shared, f32 [size, at least what is exchanged at once]."""
        self.rank, self.size, self.area, self.barrier = rank, size, area, barrier

    def agree(self, value: float) -> float:
        """The value that the first process has."""
        if self.size == 1:
            return value
        if self.rank == 0:
            self.area[0, 0] = value
        self.barrier.wait()
        agreed = float(self.area[0, 0])
        self.barrier.wait()
        return agreed

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Replaces f32 tensors by their mean over the processes."""
        if self.size == 1:
            return
        count = sum(t.numel() for t in tensors)
        torch.cat([t.reshape(-1) for t in tensors], out=self.area[self.rank, :count])
        self.barrier.wait()
        mean = self.area[:, :count].mean(dim=0)
        for tensor, part in zip(tensors, mean.split([t.numel() for t in tensors])):
            tensor.copy_(part.view_as(tensor))
        self.barrier.wait()

    def mapped(self, work: Callable[[torch.Tensor], torch.Tensor],
               stack: torch.Tensor) -> torch.Tensor:
        """`work` of [n, ...] f32, which gives the same shape; every process does its share of the n."""
        if self.size == 1:
            return work(stack)
        out = self.area[0, :stack.numel()].view(stack.shape)
        mine = slice(self.rank, None, self.size)
        if len(stack) > self.rank:
            out[mine] = work(stack[mine])
        self.barrier.wait()
        result = out.clone()
        self.barrier.wait()
        return result


def run(size: int, numbers: int, work: Callable[..., None], *arguments: object) -> None:
    """Calls work(team, *arguments) in `size` processes that exchange at most `numbers` at once."""
    if size == 1:
        work(Team(), *arguments)
        return
    area = torch.zeros(size, numbers).share_memory_()
    barrier = torch.multiprocessing.get_context("spawn").Barrier(size)
    torch.multiprocessing.spawn(_member, (size, area, barrier, work, arguments), nprocs=size)


def _member(rank: int, size: int, area: torch.Tensor, barrier, work: Callable[..., None],
            arguments: tuple) -> None:
    work(Team(rank, size, area, barrier), *arguments)
