"""A start that copies: the heads that small models take longest to find are there from the first step.

The first layer has heads that look a fixed way back, the second has induction heads (what followed the
last time this token was here?), the third looks for places whose neighbourhood has the same words. All
later layers start random. Tokens that mean the like begin with like embeddings (token_vectors.py), so that
the matching heads find other words for the same thing. Only initial values: every weight is trained as any
other.

Sources: Elhage et al. 2021, "A mathematical framework for transformer circuits" (previous-token and
induction heads); Trockman and Kolter 2023, "Mimetic initialization of self-attention layers".
"""

import math

import torch

from model import Llama
from token_vectors import unit

EMBEDDING_STD = 0.5  # large beside a step of the optimizer, so that the structure outlives the first steps
CONSTANT_SHARE = 0.25  # of an embedding's energy, in dimension 0: what heads that look at places see
MEANING_SHARE = 0.6  # of the rest of an embedding's energy, in directions that like tokens share
FINAL_NORM = 0.1  # logits of the size that they are trained to
BACK = (1, 2)  # tokens that the first heads of the first layer look back
NEIGHBOURHOODS = ((3, 7), (5, 10))  # pairs of RoPE that make a window of about 8 and 25 tokens
SHARP = slice(0, 8)  # pairs that tell one place from the next
SLOW_FREQUENCY = 1e-3  # pairs below it stay as they are over a prompt: matching by content

WRITE = 1.0  # of what the first layer reads, beside the token itself
MATCH = 2.2  # squared, over 8: the score of a match is then some 8 above that of others
COPY = 1.2  # of what stands where a match was found


def orthonormal(rows: int, columns: int, generator: torch.Generator) -> torch.Tensor:
    """[rows, columns] with orthonormal rows that do not see dimension 0."""
    square = torch.randn(columns - 1, columns - 1, generator=generator)
    basis = torch.linalg.qr(square).Q[:rows]
    return torch.cat((torch.zeros(rows, 1), basis), dim=1)


class Start:
    """Writes initial values into one model. `vectors` are those of token_vectors.py, [vocab, any]."""

    def __init__(self, model: Llama, vectors: torch.Tensor, seed: int = 5):
        self.model, self.config, self.vectors = model, model.config, vectors
        self.generator = torch.Generator().manual_seed(seed)
        half = self.config.head_dim // 2
        self.frequency = self.config.rope_theta**(-torch.arange(half) / half)
        slow = (self.frequency < SLOW_FREQUENCY).nonzero().flatten()
        self.slow = torch.cat((slow, slow + half))  # dimensions of a head that match content
        self.constant = math.sqrt(self.config.hidden * CONSTANT_SHARE)  # its value after RMSNorm

    def head(self, weight: torch.Tensor, index: int) -> torch.Tensor:
        """The rows of head `index` of a projection."""
        size = self.config.head_dim
        return weight[index * size:(index + 1) * size]

    def look(self, layer: int, index: int, back: int, pairs: slice, strength: float) -> None:
        """Head `index` scores strength * sum over pairs of cos(frequency * (distance - back))."""
        attention = self.model.model.layers[layer].self_attn
        frequency = self.frequency[pairs]
        chosen = torch.arange(self.config.head_dim // 2)[pairs]
        size = math.sqrt(abs(strength) * math.sqrt(self.config.head_dim)) / self.constant
        q, k = self.head(attention.q_proj.weight, index), self.head(attention.k_proj.weight, index)
        q[chosen, 0] = size * math.copysign(1.0, strength)
        k[chosen, 0] = size * torch.cos(back * frequency)
        k[chosen + self.config.head_dim // 2, 0] = size * torch.sin(back * frequency)

    def match(self, layer: int, index: int, sought: torch.Tensor, found: torch.Tensor) -> None:
        """Head `index` scores sought x . found y, both [>= slow dimensions, hidden]."""
        attention = self.model.model.layers[layer].self_attn
        count = len(self.slow)
        self.head(attention.q_proj.weight, index)[self.slow] = MATCH * sought[:count]
        self.head(attention.k_proj.weight, index)[self.slow] = MATCH * found[:count]

    def move(self, layer: int, index: int, read: torch.Tensor, write: torch.Tensor) -> None:
        """Head `index` reads `read` [head_dim, hidden] and adds write^T of it."""
        attention = self.model.model.layers[layer].self_attn
        self.head(attention.v_proj.weight, index).copy_(read)
        size = self.config.head_dim
        attention.o_proj.weight[:, index * size:(index + 1) * size] = write.T

    def embeddings(self) -> None:
        """What a token means, a random direction that is its own, and the constant; of one length."""
        embedding = self.model.model.embed_tokens.weight
        vocab, width = embedding.shape[0], self.config.hidden - 1
        own = torch.randn(vocab, width, generator=self.generator)
        turn = torch.linalg.qr(torch.randn(width, width, generator=self.generator)).Q
        kept = self.vectors[:, :width]
        meaning = kept @ turn[:kept.shape[1]]
        mixed = (math.sqrt(1 - MEANING_SHARE) * unit(own) +
                 math.sqrt(MEANING_SHARE) * unit(meaning))
        length = EMBEDDING_STD * math.sqrt(self.config.hidden)
        embedding[:, 1:] = unit(mixed) * length
        embedding[:, 0] = length * math.sqrt(CONSTANT_SHARE / (1 - CONSTANT_SHARE))
        self.model.model.norm.weight.fill_(FINAL_NORM)

    @torch.no_grad()
    def write(self) -> None:
        """All of it."""
        size, hidden = self.config.head_dim, self.config.hidden
        heads = self.config.heads
        if self.config.kv_heads != heads or heads < len(BACK) + len(NEIGHBOURHOODS):
            raise ValueError(
                f"wanted at least {len(BACK) + len(NEIGHBOURHOODS)} heads, each with its "
                f"own keys, have {heads} and {self.config.kv_heads}")
        self.embeddings()
        read = [orthonormal(size, hidden, self.generator) for _ in range(heads)]
        read[1] = read[0]  # so that what stands one back can be compared with what stands two back
        written = [orthonormal(size, hidden, self.generator) for _ in range(heads)]
        for index, back in enumerate(BACK):
            self.look(0, index, back, SHARP, 6.0)
        for index, pairs in enumerate(NEIGHBOURHOODS, len(BACK)):
            self.look(0, index, 0, slice(*pairs), 2.0)
        for index in range(len(BACK) + len(NEIGHBOURHOODS)):
            self.move(0, index, read[index], WRITE * written[index])
        last, before = (read[0], written[0]), (written[0], written[1])
        self.copies(1, [last, before] * (heads // 2) + [last] * (heads % 2))
        self.copies(2, [(w, w) for w in written[len(BACK):len(BACK) + len(NEIGHBOURHOODS)]])
        for index in range(len(NEIGHBOURHOODS)):
            # A place has its own neighbourhood: look away from it.
            self.look(2, index, 0, slice(3, 8), -3.0)

    def copies(self, layer: int, pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Heads that find `pairs` of (sought, found) and copy parts of what stands there."""
        size, hidden = self.config.head_dim, self.config.hidden
        values = orthonormal(min(len(pairs) * size, hidden - 1), hidden, self.generator)
        for index, (sought, found) in enumerate(pairs):
            turn = torch.linalg.qr(torch.randn(size, size, generator=self.generator)).Q
            self.match(layer, index, turn @ sought, turn @ found)
            part = torch.zeros(size, hidden)
            mine = values[index * size:(index + 1) * size]
            part[:len(mine)] = mine
            self.move(layer, index, part, COPY * part)
