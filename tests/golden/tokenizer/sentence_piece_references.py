"""Small SentencePiece models, and what the `sentencepiece` package makes of difficult texts.

Trained on training_text.txt. Each has a tokenizer.model and no tokenizer.json.
"""

import io
import json
import pathlib
import tempfile

import sentencepiece

from texts import NAUGHTY_STRINGS, TEXTS, TRAINING_TEXT, digest

HERE = pathlib.Path(__file__).parent
NORMAL, USER_DEFINED, UNUSED = 1, 4, 5

# Replacement rules like those of nmt_nfkc, which would take a quarter of a megabyte. "\u0e33" is
# there because it forms a grapheme cluster with the character before it.
RULES = {
    "\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u2028": " ", "\u0085": " ",
    "\u200b": "", "\u00ad": "", "\ufeff": "", "\x07": "", "\ufb01": "fi", "！": "!", "㎒": "MHz",
    "½": "1⁄2", "ⅷ": "viii", "①": "1", "ﷺ": "صلى الله", "Ａ": "A", "e\u0301": "é", "a\u0308": "ä",
    "\u0e33": "\u0e4d\u0e32", "ẛ\u0323": "ṩ", "\u00b4": " \u0301", "＿": "_",
}

SYMBOLS = ["<sep>", "foo bar", "##", "ing", "▁▁▁", "日本"]

MODELS = {
    "unigram_rules": dict(model_type="unigram", vocab_size=420, character_coverage=0.98, rules=True,
                          user_defined_symbols=SYMBOLS, control_symbols=["<ctl>"]),
    "unigram_bytes": dict(model_type="unigram", vocab_size=620, character_coverage=0.98,
                          byte_fallback=True, normalization_rule_name="identity",
                          remove_extra_whitespaces=False),
    "unigram_suffix": dict(model_type="unigram", vocab_size=400, character_coverage=0.98,
                           treat_whitespace_as_suffix=True, rules=True),
    "bpe_bytes": dict(model_type="bpe", vocab_size=680, character_coverage=0.98, byte_fallback=True,
                      normalization_rule_name="identity", remove_extra_whitespaces=False,
                      user_defined_symbols=SYMBOLS, allow_whitespace_only_pieces=True),
    "bpe_rules": dict(model_type="bpe", vocab_size=450, character_coverage=0.98, rules=True,
                      split_by_whitespace=False, add_dummy_prefix=False, unused_every=5),
}


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def with_unused(model, step):
    """Marks every `step`th normal piece of more than one character as unused."""
    out, at, count = b"", 0, 0
    while at < len(model):
        tag, body = read_varint(model, at)
        size, begin = read_varint(model, body)
        message = model[begin:begin + size]
        if tag >> 3 == 1 and b"\x18" not in message[2 + message[1]:]:
            count += 1
            if len(message[2:2 + message[1]].decode()) > 1 and count % step == 0:
                message += b"\x18" + varint(UNUSED)
        out += model[at:body] + varint(len(message)) + message
        at = begin + size
    return out


def train(options):
    options = dict(options)
    unused_every = options.pop("unused_every", None)
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        if options.pop("rules", False):
            code_points = lambda text: " ".join(f"{ord(c):X}" for c in text)
            for key in sorted(RULES):
                rules.write(f"{code_points(key)}\t{code_points(RULES[key])}\n")
            rules.flush()
            options["normalization_rule_tsv"] = rules.name
        sentencepiece.SentencePieceTrainer.train(
            input=TRAINING_TEXT, model_writer=out, minloglevel=2, num_threads=1,
            hard_vocab_limit=options["model_type"] == "bpe", **options)
    model = out.getvalue()
    return with_unused(model, unused_every) if unused_every else model


def charsmap():
    """The replacement rules in the form of tokenizer.json's Precompiled normalizer."""
    model, at = (HERE / "unigram_rules" / "tokenizer.model").read_bytes(), 0
    while at < len(model):
        tag, at = read_varint(model, at)
        size, at = read_varint(model, at)
        if tag >> 3 == 3:
            spec, i = model[at:at + size], 0
            while i < len(spec):
                tag, i = read_varint(spec, i)
                value, i = read_varint(spec, i)
                if tag >> 3 == 2:
                    return spec[i:i + value]
                if tag & 7 == 2:
                    i += value
        at += size
    raise ValueError("no charsmap")


def record(processor, text):
    ids = processor.encode(text)
    return {"text": text, "plain": ids, "decoded": processor.decode(ids)}


def files():
    """Yields (path below this folder, content) of all SentencePiece fixtures.

    A model that exists is kept. Delete its file to train anew.
    """
    naughty = json.loads(NAUGHTY_STRINGS.read_text())
    for name, options in MODELS.items():
        file = HERE / name / "tokenizer.model"
        if not file.exists():
            yield f"{name}/tokenizer.model", train(options)
        processor = sentencepiece.SentencePieceProcessor(model_proto=file.read_bytes())
        texts = TEXTS + ["a<sep>b <ctl> foo bar", "   spaces   around   ", "testing, unused testing", "x日本y"]
        expected = {"texts": [record(processor, text) for text in texts],
                    "naughty": [digest(processor.encode(text)) for text in naughty]}
        yield f"{name}/expected.json", json.dumps(expected, ensure_ascii=True) + "\n"
