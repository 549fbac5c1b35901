"""The Llama architecture, small: RMSNorm, rotary half-split attention, SwiGLU, tied embeddings.

Parameter names are those of Hugging Face's LlamaForCausalLM, so that a checkpoint is the state
dictionary and nothing is renamed on export.
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Shape of a model. hidden = heads * head_dim is not required, multiples of 64 are (NF4)."""

    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    context: int = 2048
    head_dim: int = 64
    rope_theta: float = 10000.0
    norm_epsilon: float = 1e-5


def rotary_table(config: ModelConfig, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin, [context, head_dim] f32, both halves alike."""
    exponent = torch.arange(0, config.head_dim, 2, device=device).float() / config.head_dim
    angle = torch.outer(
        torch.arange(config.context, device=device).float(), config.rope_theta**-exponent)
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates [batch, heads, tokens, head_dim] by its positions."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


POINTER_WEIGHT = 0.3  # of the loss of each pointer
SHORT = 1024  # tokens of rows whose scores a CPU computes as matrices
BLOCK = 256  # rows of such a matrix


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
    """Softmax attention of [batch, heads, tokens, head_dim]; without `causal` every token sees all."""
    tokens = q.shape[2]
    if not causal or q.is_cuda or q.dtype != torch.bfloat16 or tokens > SHORT:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    # Compiled for a CPU with bf16 units: two thirds of the time of flash attention.
    return torch.cat([_attend_block(q, k, v, first) for first in range(0, tokens, BLOCK)], dim=2)


def _attend_block(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, first: int) -> torch.Tensor:
    """Causal attention of the rows of one block, from `first` on."""
    end = min(first + BLOCK, q.shape[2])
    later = torch.ones(end - first, end, dtype=torch.bool, device=q.device).triu(first + 1)
    scores = (q[:, :, first:end] @ k[:, :, :end].mT).float() / math.sqrt(q.shape[-1])
    weights = torch.softmax(scores.masked_fill(later, -math.inf), dim=-1).to(q.dtype)
    return weights @ v[:, :, :end]


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        width, kv_width = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden, width, bias=False)
        self.k_proj = nn.Linear(config.hidden, kv_width, bias=False)
        self.v_proj = nn.Linear(config.hidden, kv_width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor,
                cache: "list | None") -> torch.Tensor:
        batch, tokens, _ = x.shape

        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.view(batch, tokens, -1, self.config.head_dim).transpose(1, 2)

        q, k = rotate(heads(self.q_proj(x)), cos, sin), rotate(heads(self.k_proj(x)), cos, sin)
        v = heads(self.v_proj(x))
        causal = True
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), dim=2), torch.cat((cache[1], v), dim=2)
                causal = False
            cache[:] = [k, v]
        group = self.config.heads // self.config.kv_heads
        if group > 1:
            k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        out = attend(q, k, v, causal)
        return self.o_proj(out.transpose(1, 2).reshape(batch, tokens, -1))

    def scores(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor,
               head: int) -> torch.Tensor:
        """What one head gives to softmax, without the mask: [batch, tokens, tokens]. Own keys only."""
        size = self.config.head_dim
        part = slice(head * size, (head + 1) * size)
        q = rotate(F.linear(x, self.q_proj.weight[part])[:, None], cos, sin)[:, 0]
        k = rotate(F.linear(x, self.k_proj.weight[part])[:, None], cos, sin)[:, 0]
        return q @ k.mT / math.sqrt(size)


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden, config.intermediate, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.intermediate, bias=False)
        self.down_proj = nn.Linear(config.intermediate, config.hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Pre-norm attention and MLP, each with its residual."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = Mlp(config)
        self.input_layernorm = nn.RMSNorm(config.hidden, eps=config.norm_epsilon)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden, eps=config.norm_epsilon)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor,
                cache: "list | None") -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Backbone(nn.Module):
    """Everything below the output head, named as Hugging Face names it."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab, config.hidden)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.hidden, eps=config.norm_epsilon)


class Llama(nn.Module):
    """A causal language model; the head is the embedding, transposed."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.model = Backbone(config)
        self.apply(self._initialize)
        # Residual branches start small, so that depth does not raise the variance (GPT-2).
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.layers))

    @staticmethod
    def _initialize(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)

    def hidden_states(self,
                      ids: torch.Tensor,
                      cache: "list[list] | None" = None,
                      start: int = 0,
                      scores: "dict[tuple[int, int], torch.Tensor] | None" = None) -> torch.Tensor:
        """[batch, tokens] ids at positions from `start` to [batch, tokens, hidden].

        `scores` has (layer, head) as keys and gets Attention.scores of each.
        """
        x = self.model.embed_tokens(ids)
        cos, sin = rotary_table(self.config, ids.device)
        cos, sin = (t[start:start + ids.shape[1]].to(x.dtype) for t in (cos, sin))
        for index, layer in enumerate(self.model.layers):
            for at, head in scores or ():
                if at == index:
                    scores[at, head] = layer.self_attn.scores(layer.input_layernorm(x), cos, sin,
                                                              head)
            x = layer(x, cos, sin, None if cache is None else cache[index])
        return self.model.norm(x)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., hidden] to [..., vocab]."""
        return F.linear(hidden, self.model.embed_tokens.weight)

    def loss(self, ids: torch.Tensor, positions: torch.Tensor, targets: torch.Tensor,
             weights: torch.Tensor, sources: torch.Tensor, source_weights: torch.Tensor,
             pointers: tuple[tuple[int, int], ...]) -> torch.Tensor:
        """Weighted mean cross entropy at flat `positions` [n] of `ids` [batch, tokens].

        And that of the attention of each pointer (layer, head), which should be at `sources` [n], the
        places in the same row that targets are copied from. Source: Liu et al. 2016, "Neural machine
        translation with supervised attention".
        """
        scores: dict = dict.fromkeys(pointers)
        hidden = self.hidden_states(ids, scores=scores).flatten(0, 1)[positions]
        losses = F.cross_entropy(self.logits(hidden).float(), targets, reduction="none")
        loss = (losses * weights).sum() / weights.sum().clamp(min=1.0)
        tokens = ids.shape[1]
        later = torch.arange(tokens, device=ids.device) > (positions % tokens)[:, None]
        for of_head in scores.values():
            rows = of_head.flatten(0, 1)[positions].float().masked_fill(later, -math.inf)
            missed = F.cross_entropy(rows, sources, reduction="none")
            missed = torch.where(source_weights > 0, missed, 0.0) * source_weights
            loss = loss + POINTER_WEIGHT * missed.sum() / source_weights.sum().clamp(min=1.0)
        return loss
