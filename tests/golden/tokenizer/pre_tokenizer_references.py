"""How the pre-tokenizers that GGUF files name cut difficult texts, in the tokenizers they stand for.

The expressions are those of the models' tokenizer.json files, run by the `tokenizers` package.
"""

import json

from tokenizers import Tokenizer, models

from texts import NAUGHTY_STRINGS, TEXTS, digest

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES)
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + SPACES)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
WORD = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*%s"
GPT4O = (WORD % (CONTRACTIONS + "?", CONTRACTIONS + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES)
TEKKEN = WORD % ("", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
             r"| ?[\p{P}\p{S}]+[\r\n]*" + SPACES)


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


def splits(*regexes):
    return [*map(split, regexes), byte_level(False)]


def digits(individual):
    return {"type": "Digits", "individual_digits": individual}


KINDS = {
    "default": splits(r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"),
    "gpt-2": [byte_level(True)],
    "starcoder": [digits(True), byte_level(True)],
    "falcon": [{"type": "Punctuation", "behavior": "Contiguous"}, byte_level(True), digits(False),
               split("[0-9][0-9][0-9]")],
    "llama-bpe": splits(LLAMA3),
    "qwen2": splits(QWEN2),
    "qwen35": splits(QWEN35),
    "gpt-4o": splits(GPT4O),
    "tekken": splits(TEKKEN),
    "tiny_aya": splits(r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O),
    "deepseek-coder": splits("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"),
    "deepseek-v3": splits(r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", DEEPSEEK3),
    "bloom": splits(r" ?[^(\s|[.,!?…。，、।۔،])]+"),
    "viking": splits(r" ?[^(\s|[.,!?…。，、।۔،])]+", r"\p{N}"),
    "bailingmoe": splits(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}"
                         r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"),
    "exaone-moe": splits(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
                         r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"),
    "seed-coder": splits(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+" + SPACES),
    "ufakzeka": splits(QWEN2.removeprefix(CONTRACTIONS + "|")),
    "laguna": splits(r"[^\n]+|[\n]+", QWEN2),
}

MORE = [
    "HELLOWorld helloWORLD Hello'S world'Ll McDonald ǅungla ʰʰʰ ÉÀé", "a/\r\n//b ./\n", "1234567 12345 1,234.5 ²³¼½x4",
    "x\u0301\u0302y \u0301z 中文abc中文123 カタカナひらがな漢字ー한국어abc", "don't I'Ll 'S'T'RE", "end \t\r\n \n",
    "\u180e\u2028\u3000 x", "Ünïcödé ÜNÏCÖDÉ über", "f(x)=y+1;/*c*/ #!$%", " \u00a0\u00a0word", "हिन्दी भाषा ।", "₀₁₂ ⅷ ٣٤٥٦",
    "one two three four five", "a  b   c    d", "\n\n\n", "\r\r\na",
]


def files():
    """Yields (path below this folder, content)."""
    tokenizer = Tokenizer(models.WordLevel())
    config = json.loads(tokenizer.to_str())
    naughty = json.loads(NAUGHTY_STRINGS.read_text())
    recorded = {"texts": TEXTS + MORE, "kinds": {}}
    for name, steps in KINDS.items():
        config["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
        pre_tokenizer = Tokenizer.from_str(json.dumps(config)).pre_tokenizer
        pieces = lambda text: [piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)]
        recorded["kinds"][name] = {"texts": [digest(pieces(text)) for text in recorded["texts"]],
                                   "naughty": digest(digest(pieces(text)) for text in naughty)}
    yield "pre_tokenizers.json", json.dumps(recorded, indent=1) + "\n"
