"""Muon for matrices, AdamW for the rest, over f32 copies of the weights.

The model computes in its own type (mostly bf16); what is added up over thousands of small steps is f32.
"""

import collections

import torch
from torch import nn

from team import Team


def newton_schulz(x: torch.Tensor) -> torch.Tensor:
    """The nearest half-orthogonal matrices to [..., rows, columns], roughly, by five steps.

    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def orthogonalized(update: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """newton_schulz of [n, rows, columns] f32, computed in `dtype`."""
    x = update.to(dtype)
    if not x.is_cuda:
        # oneDNN multiplies matrices one by one twice as fast as in batches.
        return torch.stack([newton_schulz(one) for one in x]).float()
    return newton_schulz(x).float()


class MasterOptimizer:
    """Steps all parameters of a model. `rate` is Muon's; AdamW takes a tenth of it."""

    MOMENTUM = 0.95
    DECAY = 0.05

    def __init__(self, model: nn.Module, team: Team):
        self.team, self.dtype = team, next(model.parameters()).dtype
        self.pairs = [(p, p.detach().float().clone()) for p in model.parameters()]
        self.matrices: dict[tuple, list[int]] = collections.defaultdict(list)
        others = []
        for index, (name, parameter) in enumerate(model.named_parameters()):
            if parameter.ndim == 2 and "embed" not in name:
                self.matrices[tuple(parameter.shape)].append(index)
            else:
                others.append(index)
        self.momenta = {
            shape: torch.zeros(len(indices), *shape, device=self.pairs[0][1].device)
            for shape, indices in self.matrices.items()
        }
        self.others = others
        self.adam = torch.optim.AdamW([self.pairs[i][1] for i in others],
                                      betas=(0.9, 0.95),
                                      weight_decay=0.0,
                                      fused=True)

    @torch.no_grad()
    def step(self, rate: float, clip: float = 1.0) -> None:
        """Applies the gradients and clears them. `clip` is the largest norm that AdamW sees."""
        gradients = [p.grad.float() for p, _ in self.pairs]
        self.team.average(gradients)
        norm = torch.sqrt(sum((g * g).sum() for g in gradients))
        scale = torch.clamp(clip / (norm + 1e-6), max=1.0)
        for shape, indices in self.matrices.items():
            gradient = torch.stack([gradients[i] for i in indices])
            momentum = self.momenta[shape]
            momentum.lerp_(gradient, 1 - self.MOMENTUM)
            update = self.team.mapped(lambda u: orthogonalized(u, self.dtype),
                                      gradient.lerp(momentum, self.MOMENTUM))
            update *= max(1.0, shape[0] / shape[1])**0.5
            for index, one in zip(indices, update):
                master = self.pairs[index][1]
                master.mul_(1 - rate * self.DECAY).add_(one, alpha=-rate)
        for index in self.others:
            self.pairs[index][1].grad = gradients[index] * scale
        for group in self.adam.param_groups:
            group["lr"] = rate / 10
        self.adam.step()
        for parameter, master in self.pairs:
            parameter.copy_(master)
            parameter.grad = None
