"""What the machine computes fast in."""

import time

import torch

SIZE, REPEATS = 512, 3


def _seconds(dtype: torch.dtype) -> float:
    """The shortest time of a product of two matrices."""
    matrix = torch.ones(SIZE, SIZE, dtype=dtype)
    matrix @ matrix
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - began)
    return min(times)


def compute_type(device: torch.device) -> torch.dtype:
    """bf16 on GPUs and on CPUs that multiply it faster than f32: having units for it does not tell."""
    if device.type == "cuda":
        return torch.bfloat16
    return torch.bfloat16 if _seconds(torch.bfloat16) < _seconds(torch.float32) else torch.float32
