"""NF4 in the layout of bitsandbytes: 64 weights a block, double quantized scales optional.

Source of the code values: Dettmers et al. 2023, "QLoRA", as bitsandbytes stores them.
"""

import json

import torch

CODES = torch.tensor([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0
])
MIDDLES = (CODES[1:] + CODES[:-1]) / 2
BLOCK = 64
STATE = ".quant_state.bitsandbytes__nf4"


def is_quantized(name: str) -> bool:
    """True for the weights that are stored in NF4: the linear layers, not embedding and norms."""
    return name.endswith("_proj.weight")


def quantize(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes u8 [n] and scales f32 [n / 64] of a weight whose size is a multiple of 64."""
    blocks = weight.detach().float().reshape(-1, BLOCK)
    scales = blocks.abs().amax(dim=1)
    scaled = blocks / scales.clamp(min=1e-12)[:, None]
    codes = torch.bucketize(scaled, MIDDLES.to(weight.device))
    return codes.reshape(-1).to(torch.uint8), scales


def dequantize(codes: torch.Tensor, scales: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The weight that codes and scales stand for, f32."""
    values = CODES.to(codes.device)[codes.long()].reshape(-1, BLOCK) * scales[:, None]
    return values.reshape(shape)


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """What NF4 makes of a weight, in its own type."""
    return dequantize(*quantize(weight), tuple(weight.shape)).to(weight.dtype)


def to_tensors(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint that hold one weight."""
    codes, scales = quantize(weight)
    state = {
        "quant_type": "nf4",
        "blocksize": BLOCK,
        "dtype": "bfloat16",
        "shape": list(weight.shape)
    }
    packed = (codes[0::2] << 4 | codes[1::2]).reshape(-1, 1)
    return {
        name: packed,
        f"{name}.absmax": scales,
        f"{name}.quant_map": CODES.clone(),
        name + STATE: torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    }


def dequantized(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors with every NF4 weight as floats again."""
    out = {}
    for name, tensor in tensors.items():
        if name + STATE in tensors:
            state = json.loads(bytes(tensors[name + STATE].tolist()))
            packed = tensor.reshape(-1)
            codes = torch.stack((packed >> 4, packed & 15), dim=1).reshape(-1)
            out[name] = dequantize(codes, tensors[f"{name}.absmax"], tuple(state["shape"]))
        elif ".weight." not in name:
            out[name] = tensor
    return out
