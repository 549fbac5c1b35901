"""What is trained, in which stages, for which machine."""

import dataclasses

from model import ModelConfig


@dataclasses.dataclass(frozen=True)
class Mix:
    """Shares of rows by kind, and how long examples are."""

    generated: float
    comprehension: float = 0.0
    summaries: float = 0.0
    prose: float = 0.0
    cloze: float = 0.0
    min_chars: int = 150
    max_chars: int = 400
    max_turns: int = 6
    absent_share: float = 0.22  # of generated questions without an answer


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training with its own data, row length and learning rates."""

    name: str
    mix: Mix
    length: int  # tokens in a row
    rows: int  # rows in a batch
    tokens: int  # tokens of data to make; training repeats them if time is left
    share: float  # of the minutes
    rate: tuple[float, float]  # learning rate of Muon at the beginning and end; AdamW has a tenth
    context_weight: float = 0.1
    loss_share: float = 0.5  # of the positions, at most, that the loss is taken of
    quantized: bool = False  # the forward pass sees the weights as NF4


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model and the stages that train it."""

    model: ModelConfig
    stages: tuple[Stage, ...]
    start_copying: bool = False  # see initialization.py
    # (layer, head) of those that are taught to look where answers are copied from
    pointers: tuple[tuple[int, int], ...] = ()


VOCAB = 6144

RECIPES = {
    # A test of the code: everything runs, nothing is learned.
    "tiny":
        Recipe(ModelConfig(vocab=1024,
                           hidden=64,
                           layers=3,
                           heads=4,
                           kv_heads=4,
                           intermediate=128,
                           head_dim=32,
                           rope_theta=1e6),
               (Stage("short", Mix(0.8, 0.1, cloze=0.1), 512, 4, 60_000, 0.5, (0.01, 0.01)),
                Stage("long",
                      Mix(0.7, 0.1, 0.1, 0.1, 300, 900, 1),
                      1024,
                      2,
                      60_000,
                      0.5, (0.005, 0.0),
                      quantized=True)),
               start_copying=True,
               pointers=((2, 1),)),
    # Two cores for some hours: 3,000 tokens a second, 10^15 FLOP in two hours.
    "cpu":
        Recipe(ModelConfig(vocab=VOCAB,
                           hidden=320,
                           layers=6,
                           heads=5,
                           kv_heads=5,
                           intermediate=832,
                           rope_theta=1e6),
               (Stage("copy", Mix(1.0, min_chars=60, max_chars=300, absent_share=0.08), 256, 32,
                      10_000_000, 0.2, (0.015, 0.015)),
                Stage("read",
                      Mix(0.45,
                          0.33,
                          cloze=0.22,
                          min_chars=150,
                          max_chars=1200,
                          max_turns=12,
                          absent_share=0.18),
                      512,
                      16,
                      8_000_000,
                      0.25, (0.015, 0.015),
                      context_weight=0.05,
                      loss_share=0.35),
                Stage("long",
                      Mix(0.45,
                          0.32,
                          0.01,
                          cloze=0.22,
                          min_chars=400,
                          max_chars=2800,
                          max_turns=16,
                          absent_share=0.2),
                      1024,
                      8,
                      8_000_000,
                      0.27, (0.008, 0.005),
                      context_weight=0.05,
                      loss_share=0.35),
                Stage("answer",
                      Mix(0.45, 0.3, 0.02, cloze=0.23, min_chars=500, max_chars=5500, max_turns=20),
                      2048,
                      4,
                      7_000_000,
                      0.28, (0.005, 0.0),
                      context_weight=0.03,
                      loss_share=0.35)),
               start_copying=True,
               pointers=((1, 3), (3, 0), (4, 0))),
    # One H200 for about 20 minutes: some 10^9 tokens, 2 * 10^17 FLOP.
    "gpu":
        Recipe(
            ModelConfig(vocab=VOCAB, hidden=384, layers=11, heads=6, kv_heads=6, intermediate=1024),
            (Stage("copy", Mix(0.7, 0.15, 0.0, 0.15, 100, 500, absent_share=0.1), 512, 128,
                   60_000_000, 0.12, (0.02, 0.02)),
             Stage("read", Mix(0.5, 0.2, 0.02, 0.28, 200, 1800, 6), 1024, 96, 220_000_000, 0.43,
                   (0.02, 0.015)),
             Stage("answer", Mix(0.65, 0.25, 0.04, 0.06, 300, 5000, 3), 2048, 48, 150_000_000, 0.3,
                   (0.015, 0.004)),
             Stage("final",
                   Mix(0.7, 0.27, 0.03, 0.0, 300, 5000, 1),
                   2048,
                   48,
                   60_000_000,
                   0.15, (0.004, 0.0),
                   context_weight=0.02,
                   quantized=True)),
            pointers=((5, 0), (8, 0))),
}
