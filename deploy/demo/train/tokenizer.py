"""Byte-level BPE: training (needs the `tokenizers` package) and encoding (needs nothing).

The encoder here gives the ids that Hugging Face's gives for the same tokenizer.json; a test in
check_tokenizer.py holds them together. It exists so that data can be prepared where only Python is.
"""

import bisect
import json
import pathlib
import re
import sys
import unicodedata

from generator.tasks import Example, Turn

BOS, EOS, SYSTEM, USER, ASSISTANT, PAD = ("<|begin|>", "<|end|>", "<|system|>", "<|user|>",
                                          "<|assistant|>", "<|pad|>")
SPECIAL = [PAD, BOS, EOS, SYSTEM, USER, ASSISTANT]
# Digits alone, so that numbers are copied digit by digit; words with the space before them.
PATTERN = r" ?\p{N}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# An answer begins with a space, so that its first word is the token that it is inside a text. The
# decoder strips that space again.
CHAT_TEMPLATE = ("{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
                 "{% if message['role'] == 'assistant' %}{{ ' ' }}{% endif %}"
                 "{{ message['content'] + '<|end|>' }}"
                 "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def byte_alphabet() -> dict[int, str]:
    """The printable character of each byte (GPT-2)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in shown]
    return {b: chr(b) for b in shown} | {b: chr(256 + i) for i, b in enumerate(hidden)}


def _class_of(letter: str) -> str:
    """A character class for the Unicode category `letter`, as `re` understands it."""
    ranges, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == letter
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)


class Encoder:
    """Encodes text and conversations with a tokenizer.json made here."""

    def __init__(self, path: pathlib.Path):
        spec = json.loads(path.read_text(encoding="utf-8"))
        self.ids: dict[str, int] = dict(spec["model"]["vocab"])
        merges = [
            tuple(m) if isinstance(m, list) else tuple(m.split(" "))
            for m in spec["model"]["merges"]
        ]
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.special = {token["content"]: token["id"] for token in spec["added_tokens"]}
        self.alphabet = byte_alphabet()
        pattern = PATTERN.replace(r"[^\s\p{L}\p{N}]", rf"[^\s{_class_of('L')}{_class_of('N')}]")
        pattern = pattern.replace(r"\p{L}",
                                  f"[{_class_of('L')}]").replace(r"\p{N}", f"[{_class_of('N')}]")
        self.pieces = re.compile(pattern)
        self.cache: dict[str, list[int]] = {}

    @property
    def vocab_size(self) -> int:
        return len(self.ids)

    def encode(self, text: str) -> list[int]:
        """Ids of ordinary text: special tokens in it are text too."""
        out: list[int] = []
        for piece in self.pieces.findall(text):
            ids = self.cache.get(piece)
            if ids is None:
                ids = self.cache[piece] = self._merge(piece)
            out += ids
        return out

    def _merge(self, piece: str) -> list[int]:
        parts = [self.alphabet[b] for b in piece.encode()]
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, len(self.ranks)), i)
                      for i, pair in enumerate(zip(parts, parts[1:]))]
            rank, at = min(ranked)
            if rank == len(self.ranks):
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]

    def prompt(self, messages: list[dict]) -> list[int]:
        """What CHAT_TEMPLATE gives for messages that end with the user's, ready for an answer."""
        out = [self.special[BOS]]
        for message in messages:
            space = " " if message["role"] == "assistant" else ""
            out += [
                self.special[f"<|{message['role']}|>"], *self.encode(space + message["content"]),
                self.special[EOS]
            ]
        return out + [self.special[ASSISTANT]]

    def conversation(self, example: Example) -> tuple[list[int], list[bool], list[int]]:
        """Ids of an example; for each whether it belongs to an answer, and where that is copied from.

        Places count from 1; 0 is for what is not copied.
        """
        ids = [
            self.special[BOS], self.special[SYSTEM], *self.encode(example.system), self.special[EOS]
        ]
        answers, sources = [False] * len(ids), [0] * len(ids)
        text = example.turns[0].user  # in which the passages are
        text_ids, begins, begin = self.encode(text), self._begins(text), len(ids) + 1
        for turn in example.turns:
            asked = [
                self.special[USER], *self.encode(turn.user), self.special[EOS],
                self.special[ASSISTANT]
            ]
            answer = [*self.encode(" " + turn.answer), self.special[EOS]]
            copied = self._copied(text, text_ids, begins, turn)
            ids += asked + answer
            answers += [False] * len(asked) + [True] * len(answer)
            sources += [0] * len(asked) + [begin + place + 1 for place in copied]
            sources += [0] * (len(answer) - len(copied))
        return ids, answers, sources

    def _begins(self, text: str) -> list[int]:
        """For each token of `text` the character that its piece begins with."""
        return [m.start() for m in self.pieces.finditer(text) for _ in self.encode(m[0])]

    def _copied(self, text: str, ids: list[int], begins: list[int], turn: Turn) -> range:
        """The tokens of `text` that the answer repeats; empty if its passage has them not once.

        `ids` and `begins` are those of the text.
        """
        if turn.gold is None or not turn.citation:
            return range(0)
        start = text.find(("\n\n" if turn.citation > 1 else "") + f"[{turn.citation}] ")
        if start < 0:
            return range(0)
        end = text.find(f"\n\n[{turn.citation + 1}] ", start)
        wanted = self.encode(" " + turn.answer.rsplit(" [", 1)[0])
        first = bisect.bisect_left(begins, start)
        last = (len(ids) if end < 0 else bisect.bisect_left(begins, end)) - len(wanted)
        found = [i for i in range(first, last + 1) if ids[i:i + len(wanted)] == wanted]
        return range(found[0], found[0] + len(wanted)) if len(found) == 1 else range(0)


def train(texts, vocab_size: int, folder: pathlib.Path) -> None:
    """Trains on an iterable of texts and writes tokenizer.json and tokenizer_config.json."""
    from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers,
                            processors, trainers)

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    ])
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteLevel(), decoders.Fuse(),
         decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A",
                                                             special_tokens=[
                                                                 (BOS, tokenizer.token_to_id(BOS))
                                                             ])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n",
                                                  encoding="utf-8")
