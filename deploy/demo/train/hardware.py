"""What the machine computes fast in."""

import torch


def compute_type(device: torch.device) -> torch.dtype:
    """bf16 on GPUs and on CPUs with units for it; others take several times as long for bf16."""
    fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
