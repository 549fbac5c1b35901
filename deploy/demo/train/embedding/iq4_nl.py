"""IQ4_NL, a 4-bit block format of GGUF: 32 neighbours of a row share a scale in f16; a weight is the
scale times one of sixteen values, which lie closer to one another near zero. 4.5 bits a weight.

Source: ggml, block_iq4_nl.
"""

import dataclasses

import torch

BLOCK = 32
VALUES = torch.tensor([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
                      dtype=torch.float32)
EDGES = (VALUES[1:] + VALUES[:-1]) / 2
# The block's extreme falls on -127 or 113 times these; which is best differs by block.
STRETCHES = (1.0, 0.94, 1.06, 0.88, 1.12)


@dataclasses.dataclass
class Blocks:
    """A matrix as the format holds it."""

    codes: torch.Tensor  # [rows, columns], long
    scales: torch.Tensor  # [rows, columns / 32], f32 that f16 can hold

    def values(self):
        return VALUES[self.codes] * self.scales.repeat_interleave(BLOCK, dim=1)

    def packed(self):
        """Bytes, [rows, bytes a row] uint8: a block's scale, then sixteen bytes that hold the codes of
        its weights i and i + 16."""
        codes = self.codes.reshape(-1, BLOCK)
        nibbles = (codes[:, :BLOCK // 2] | codes[:, BLOCK // 2:] << 4).to(torch.uint8)
        head = self.scales.half().reshape(-1, 1).view(torch.uint8)
        return torch.cat([head, nibbles], dim=1).reshape(len(self.codes), -1).numpy()


def nearest(columns, scales):
    """Codes of `columns` [rows, n] by `scales` [rows, 1]."""
    return torch.bucketize(columns / torch.where(scales == 0, 1.0, scales), EDGES)


def find_scales(block):
    """[rows, 1] scales for `block` [rows, 32]: of those tried, each refitted to the codes that it gives,
    the ones with the least squared error."""
    extreme = block.gather(1, block.abs().argmax(1, keepdim=True))
    best = torch.zeros_like(extreme)
    least = torch.full_like(extreme, torch.inf)
    for end in (VALUES[0], VALUES[-1]):
        for stretch in STRETCHES:
            values = VALUES[nearest(block, extreme / end * stretch)]
            scales = (block * values).sum(1, keepdim=True) / values.square().sum(1, keepdim=True)
            scales = scales.half().float()
            error = (block - scales * VALUES[nearest(block, scales)]).square().sum(1, keepdim=True)
            best = torch.where(error < least, scales, best)
            least = torch.minimum(error, least)
    return best


def quantize(matrix):
    """Blocks nearest to `matrix`, each weight by itself."""
    blocks = matrix.float().reshape(-1, BLOCK)
    scales = find_scales(blocks)
    return Blocks(nearest(blocks, scales).reshape(matrix.shape), scales.reshape(len(matrix), -1))
