"""The texts that every tokenizer is tried with, and the one that they are trained on."""

import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent
TRAINING_TEXT = str(HERE / "training_text.txt")
NAUGHTY_STRINGS = HERE / "../../../../shared/data/corpora/blns.json"

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


def digest(ids):
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]
