"""Small tokenizers in the style of well-known families, and what they make of difficult texts.

Trained on training_text.txt with the Hugging Face `tokenizers` package, which is the reference.
"""

import json
import pathlib

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

import sentence_piece_references
from texts import NAUGHTY_STRINGS, TEXTS, TRAINING_TEXT, digest

HERE = pathlib.Path(__file__).parent

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
# Cased letter classes, as GPT-4o's tokenizer has them: no scanner knows this one.
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

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


def unigram_style():
    """XLM-R and T5: precompiled rules, runs of spaces reduced, Unigram over words."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(sentence_piece_references.charsmap()),
        normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train([TRAINING_TEXT], trainers.UnigramTrainer(
        vocab_size=420, special_tokens=special, unk_token="<unk>", show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[(name, special.index(name)) for name in special])
    return tokenizer


def unigram_bytes_style():
    """Unigram with bytes for the unknown, without a cut at spaces, by scripts instead."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    trained.train([TRAINING_TEXT], trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False))
    pieces = [tuple(piece) for piece in json.loads(trained.to_str())["model"]["vocab"]]
    low = min(score for _, score in pieces) - 1
    pieces += [(f"<0x{byte:02X}>", low) for byte in range(256)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.add_special_tokens(["<unk>"])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.UnicodeScripts(), pre_tokenizers.Metaspace(prepend_scheme="never", split=False)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                           decoders.Fuse()])
    return tokenizer


def falcon_style():
    """Steps behind ByteLevel, which see the byte-level alphabet."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
        pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train([TRAINING_TEXT], bpe(pre_tokenizers.ByteLevel.alphabet(), 600, ["<|endoftext|>"]))
    return tokenizer


CLIP = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]"
        r"|[^\s\p{L}\p{N}]+")


def clip_style():
    """Byte-level BPE with a suffix that marks the end of a word."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train([TRAINING_TEXT], bpe(pre_tokenizers.ByteLevel.alphabet(), 700,
                                         ["<|startoftext|>", "<|endoftext|>"], end_of_word_suffix="</w>"))
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    return tokenizer


def openai_style():
    """The first GPT: words, each with a suffix, and its decoder."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    tokenizer.train([TRAINING_TEXT], bpe([], 500, ["<unk>"], end_of_word_suffix="</w>"))
    return tokenizer


def continuing_style():
    """BPE with WordPiece's prefix, over the byte-level alphabet made by the normalizer."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.ByteLevel()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.CharDelimiterSplit("Ġ"), pre_tokenizers.FixedLength(7)])
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tokenizer.train([TRAINING_TEXT], bpe([], 600, ["[UNK]"], continuing_subword_prefix="##"))
    return tokenizer


def word_level_style():
    """Whole words; a decoder of speech recognition, which drops repeated tokens."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Split(Regex("[aeiou]"), "merged_with_next", invert=True)])
    tokenizer.decoder = decoders.CTC(pad_token="<pad>", word_delimiter_token=",", cleanup=True)
    tokenizer.train([TRAINING_TEXT], trainers.WordLevelTrainer(
        vocab_size=400, special_tokens=["<unk>", "<pad>"], show_progress=False))
    return tokenizer


STYLES = {
    "gpt2": gpt2_style, "llama3": llama3_style, "qwen2": qwen2_style, "cased": cased_style,
    "sentencepiece": sentencepiece_style, "metaspace": metaspace_style,
    "wordpiece": wordpiece_style, "word": word_style, "unigram": unigram_style,
    "unigram_byte_fallback": unigram_bytes_style, "falcon": falcon_style, "clip": clip_style,
    "openai": openai_style, "continuing": continuing_style, "word_level": word_level_style,
}


def record(tokenizer, text):
    """What the tokenizer makes of `text`: special tokens recognized, and special tokens as text."""
    tokenizer.encode_special_tokens = False
    parsed = tokenizer.encode(text).ids
    tokenizer.encode_special_tokens = True
    plain = as_text(tokenizer).encode(text, add_special_tokens=False).ids
    return {"text": text, "parsed": parsed, "plain": plain,
            "decoded": tokenizer.decode(plain, skip_special_tokens=True)}


def as_text(tokenizer):
    """The tokenizer with special tokens out of reach of its model, which else may find them in text."""
    config = json.loads(tokenizer.to_str())
    special = {token["content"] for token in config["added_tokens"] if token["special"]}
    if config["model"]["type"] not in ("Unigram", "WordLevel"):
        return tokenizer
    hidden = lambda piece: f"\U000F0000{piece}" if piece in special else piece
    vocab = config["model"]["vocab"]
    config["model"]["vocab"] = ([[hidden(piece), score] for piece, score in vocab]
                                if isinstance(vocab, list) else
                                {hidden(piece): id for piece, id in vocab.items()})
    if "unk_token" in config["model"]:
        config["model"]["unk_token"] = hidden(config["model"]["unk_token"])
    config["added_tokens"] = [token for token in config["added_tokens"] if not token["special"]]
    config["post_processor"] = None
    return Tokenizer.from_str(json.dumps(config))


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
        plain = as_text(tokenizer)
        digests = [digest(plain.encode(text, add_special_tokens=False).ids) for text in naughty]
        expected = {"texts": [record(tokenizer, text) for text in TEXTS], "naughty": digests}
        yield f"{name}/expected.json", json.dumps(expected, ensure_ascii=True) + "\n"
