"""Small tokenizers in the style of well-known families, and what they make of difficult texts.

Trained on training_text.txt with the Hugging Face `tokenizers` package, which is the reference.
"""

import hashlib
import json
import pathlib

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

HERE = pathlib.Path(__file__).parent
TRAINING_TEXT = str(HERE / "training_text.txt")
NAUGHTY_STRINGS = HERE / "../../../../shared/data/corpora/blns.json"

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
# Cased letter classes, as GPT-4o's tokenizer has them: no scanner knows this one.
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

# Each text is there for a rule: contractions, digits, whitespace runs, line breaks, unknown and
# combining characters, controls, CJK, emoji sequences, special tokens in the text.
TEXTS = [
    "", " ", "  ", "   \t ", "\n", "\r\n\r\n", " \n \n x", "a\n\n  b", "tail   ", "\u00a0\u3000x\u2028y",
    "Hello, world!", " Hello", "hello   world", "don't DON'T we'll I'Ve '\u017f 'tis rock'n'roll 's",
    "1 12 123 1234 12345678 ½ ⅷ १२३ 3.14", "a1b22c333", "snake_case CamelCase kebab-case",
    "!!!??? ... --- $$$ (x) [y] {z}", " !x  !y", "if (a<b) {\n\treturn a->b[0];\n}\r\n",
    "Straße größer fähig", "e\u0301 é ẛ\u0323 \ufb01 ﷺ ㎒ ①", "İstanbul ΑΣ ΣΑΣ ß", "\u0301a \u0327\u0301",
    "中文测试 テスト 한국어 ไทย \U00020000\U0002b920", "الطاحونة שלום हिन्दी",
    "🙂🚀 👩‍🔬 👍🏽 🇩🇪", "zero\u200bwidth\u00adsoft\ufeffbom", "nul\x00bell\x07esc\x1b del\x7f \x85",
    "\u0378 \ue000 \U0010ffff \ufffd", "<0x0A><0xE2>", "▁▁ x▁y ▁", "##ing ing un##able [UNK]",
    "<s>", "a <s> b</s>", "x<|endoftext|>y <|eot_id|> <|im_start|>user\n<tool_call>",
    "[CLS] a [SEP] [MASK] b", "<|endoftext|", "lstrip   <left>rstrip <right>   end <word> a<word>b",
    "NORMAL Normal normal", "testing tested unhappiness newest", "a" * 300, "ab" * 120, " " * 100,
    "é" * 60, "The harbour master keeps a ledger.\nDer Müller fährt über die Brücke.",
]


def bpe(alphabet, size, special, **options):
    return trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                               initial_alphabet=alphabet, **options)


def byte_level(regex, size, special, normalizer=None, keep_matches=False, **model):
    """A byte-level BPE tokenizer that splits by `regex`, or by GPT-2's rule if that is None.

    With `keep_matches`, it says so the other way round: remove whatever is no match.
    """
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    if regex is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(regex), "removed", invert=True) if keep_matches
            else pre_tokenizers.Split(Regex(regex), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train([TRAINING_TEXT], bpe(pre_tokenizers.ByteLevel.alphabet(), size, special))
    return tokenizer


def gpt2_style():
    tokenizer = byte_level(None, 700, ["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    return tokenizer


def llama3_style():
    special = ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]
    tokenizer = byte_level(LLAMA3, 800, special, ignore_merges=True)
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<|begin_of_text|> $A",
                                      special_tokens=[("<|begin_of_text|>", bos)])])
    return tokenizer


def qwen2_style():
    tokenizer = byte_level(QWEN2, 700, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
                           normalizer=normalizers.NFC())
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False, special=False)])
    return tokenizer


def cased_style():
    return byte_level(CASED, 600, ["<|endoftext|>"], keep_matches=True)


def sentencepiece_style():
    """Llama-2: spaces become U+2581 before BPE over the whole text, bytes for the unknown."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    # So small an alphabet leaves unknown characters.
    trained.train([TRAINING_TEXT], bpe([], 700, special, limit_alphabet=90))
    model = json.loads(trained.to_str())["model"]
    tokenizer = Tokenizer(models.BPE(
        vocab=model["vocab"], merges=[tuple(merge) for merge in model["merges"]],
        unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                           decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", tokenizer.token_to_id("<s>")),
                                              ("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


def metaspace_style():
    """Metaspace pre-tokenizer and unknown tokens, with every kind of added token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.train([TRAINING_TEXT], bpe([], 500, ["<unk>", "<s>"], limit_alphabet=80))
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True),
                          AddedToken("<word>", single_word=True)])
    return tokenizer


def wordpiece_style():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train([TRAINING_TEXT], trainers.WordPieceTrainer(
        vocab_size=700, special_tokens=special, show_progress=False))
    ids = {name: tokenizer.token_to_id(name) for name in special}
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]),
                                                         ("[CLS]", ids["[CLS]"]))
    return tokenizer


def word_style():
    """Rarer parts: normalizers by character, Whitespace, Digits, Punctuation, word suffixes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip(),
        normalizers.Replace(Regex(r"\s{2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous"),
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Whitespace(),
        pre_tokenizers.Split("-", "merged_with_previous")])
    tokenizer.train([TRAINING_TEXT], bpe([], 500, ["<unk>"], end_of_word_suffix="</w>"))
    tokenizer.add_tokens([AddedToken("normal", normalized=True, single_word=True)])
    return tokenizer


STYLES = {
    "gpt2": gpt2_style, "llama3": llama3_style, "qwen2": qwen2_style, "cased": cased_style,
    "sentencepiece": sentencepiece_style, "metaspace": metaspace_style,
    "wordpiece": wordpiece_style, "word": word_style,
}


def digest(ids):
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]


def record(tokenizer, text):
    """What the tokenizer makes of `text`: special tokens recognized, and special tokens as text."""
    tokenizer.encode_special_tokens = False
    parsed = tokenizer.encode(text).ids
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    return {"text": text, "parsed": parsed, "plain": plain,
            "decoded": tokenizer.decode(plain, skip_special_tokens=True)}


def with_merge_lines(config):
    """The older spelling of merges: "left right"."""
    config["model"]["merges"] = [" ".join(merge) for merge in config["model"]["merges"]]
    return config


def files():
    """Yields (path below this folder, content) of all tokenizer fixtures.

    Training breaks ties at random: a tokenizer that exists is kept. Delete its file to train anew.
    """
    naughty = json.loads(NAUGHTY_STRINGS.read_text())
    for name, make in STYLES.items():
        file = HERE / name / "tokenizer.json"
        if file.exists():
            tokenizer = Tokenizer.from_file(str(file))
        else:
            tokenizer = make()
            config = json.loads(tokenizer.to_str())
            if name == "gpt2":
                config = with_merge_lines(config)
            yield f"{name}/tokenizer.json", json.dumps(config, ensure_ascii=False) + "\n"
        tokenizer.encode_special_tokens = True
        digests = [digest(tokenizer.encode(text, add_special_tokens=False).ids) for text in naughty]
        expected = {"texts": [record(tokenizer, text) for text in TEXTS], "naughty": digests}
        yield f"{name}/expected.json", json.dumps(expected, ensure_ascii=True) + "\n"
