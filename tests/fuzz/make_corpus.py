#!/usr/bin/env python3
"""Writes the seeds of two targets: GGUF, small files of every kind of tokenizer, some with weights; a
small tekken.json."""

import base64
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
HERE = CORPUS / "gguf"
U8, I32, U32, F32, BOOL, STRING, ARRAY, U64 = 0, 5, 4, 6, 7, 8, 9, 10
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def text(value):
    value = value.encode()
    return struct.pack("<Q", len(value)) + value


def scalar(kind, value):
    if kind == STRING:
        return text(value)
    return struct.pack({U8: "<B", I32: "<i", U32: "<I", F32: "<f", BOOL: "<?", U64: "<Q"}[kind], value)


def array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(scalar(kind, value) for value in values)


def gguf(keys, tensors=(), version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, (kind, value) in keys.items():
        out += text(key) + struct.pack("<I", ARRAY if isinstance(value, list) else kind)
        out += array(kind, value) if isinstance(value, list) else scalar(kind, value)
    data = b""
    for name, shape, *kind in tensors:
        number, inputs, block = kind[0] if kind else (0, 1, struct.pack("<f", 0.5))
        elements = 1
        for length in shape:
            elements *= length
        out += text(name) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", length) for length in reversed(shape))
        out += struct.pack("<IQ", number, len(data))
        data += block * (elements // inputs)
        data += bytes(-len(data) % 32)
    return out + bytes(-len(out) % 32) + data


def tokenizer(model, tokens, types, **more):
    keys = {"tokenizer.ggml.model": (STRING, model), "tokenizer.ggml.tokens": (STRING, tokens),
            "tokenizer.ggml.token_type": (I32, types)}
    kinds = {bool: BOOL, int: U32, str: STRING}
    for name, value in more.items():
        first = value[0] if isinstance(value, list) else value
        kind = kinds.get(type(first), F32)
        keys[f"tokenizer.ggml.{name}"] = (kind, value)
    return keys


def byte_alphabet():
    keep = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(b) if b in keep else chr(0x100 + sum(x not in keep for x in range(b))) for b in range(256)]


def llama():
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    pieces = ["▁", "a", "t", "e", "O", "n", "c", "u", "p", "o", "▁a", "on", "▁O", "nc"]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces))]
    keys = {"general.architecture": (STRING, "llama"), "general.alignment": (U32, 32),
            "llama.block_count": (U32, 1), "llama.context_length": (U32, 16),
            "llama.embedding_length": (U32, 8), "llama.feed_forward_length": (U32, 4),
            "llama.attention.head_count": (U32, 2), "llama.attention.head_count_kv": (U32, 1),
            "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5), "llama.rope.freq_base": (F32, 1e4),
            "llama.rope.dimension_count": (U32, 4)}
    keys |= tokenizer("llama", tokens + pieces, types, scores=scores, bos_token_id=1, eos_token_id=2,
                      unknown_token_id=0, add_bos_token=True, add_space_prefix=True)
    keys["tokenizer.chat_template"] = (STRING, "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    tensors = [("token_embd.weight", (273, 8)), ("output_norm.weight", (8,)), ("blk.0.attn_q.weight", (8, 8)),
               ("blk.0.attn_k.weight", (4, 8)), ("rope_freqs.weight", (2,))]
    return gguf(keys, tensors)


def blocks():
    """A table and an attention layer in blocks of 32 and 256, a layer in a type nobody reads."""
    q4_0 = 2, 32, struct.pack("<e", 0.5) + bytes(range(16))
    q6_k = 14, 256, bytes(range(208)) + struct.pack("<e", 0.25)
    iq1_s = 19, 256, bytes(50)
    keys = {"general.architecture": (STRING, "llama"), "llama.block_count": (U32, 1),
            "llama.context_length": (U32, 16), "llama.embedding_length": (U32, 256),
            "llama.feed_forward_length": (U32, 4), "llama.attention.head_count": (U32, 2),
            "llama.attention.key_length": (U32, 4)}
    return gguf(keys, [("token_embd.weight", (3, 256), q6_k), ("blk.0.attn_q.weight", (8, 256), q4_0),
                       ("blk.0.attn_v.weight", (8, 256), iq1_s)])


def gpt2(pre, version=3):
    alphabet = byte_alphabet()
    tokens = alphabet + ["on", "Ġa", "<|end|>", "<tool>"]
    types = [NORMAL] * 258 + [CONTROL, USER]
    return gguf(tokenizer("gpt2", tokens, types, pre=pre, merges=["o n", "Ġ a"], bos_token_id=258), version=version)


def bert():
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁once", "▁up", "on", "▁a", "▁time", "▁."]
    keys = {"general.architecture": (STRING, "bert"), "bert.block_count": (U32, 1),
            "bert.context_length": (U32, 16), "bert.embedding_length": (U32, 32),
            "bert.feed_forward_length": (U32, 4), "bert.attention.head_count": (U32, 2),
            "bert.attention.layer_norm_epsilon": (F32, 1e-5), "bert.attention.causal": (BOOL, False),
            "bert.pooling_type": (U32, 1)}
    keys |= tokenizer("bert", tokens, [CONTROL] * 4 + [NORMAL] * 6, unknown_token_id=1, cls_token_id=2,
                      seperator_token_id=3)
    q4_0 = 2, 32, struct.pack("<e", 0.5) + bytes(range(16))
    return gguf(keys, [("token_embd.weight", (10, 32), q4_0), ("token_types.weight", (2, 32)),
                       ("blk.0.attn_q.weight", (32, 32), q4_0)])


def t5():
    tokens = ["<pad>", "</s>", "<unk>", "▁", "a", "▁a", "on", "o", "n", "<user>"]
    types = [CONTROL, CONTROL, UNKNOWN] + [NORMAL] * 6 + [USER]
    scores = [0.0] * 3 + [-2.0, -2.5, -3.0, -3.5, -4.0, -4.5, 0.0]
    keys = tokenizer("t5", tokens, types, scores=scores, eos_token_id=1, remove_extra_whitespaces=True)
    keys["tokenizer.ggml.precompiled_charsmap"] = (U8, [0, 0, 0, 0])
    keys["nested"] = (STRING, ["a", "b"])
    return gguf(keys)


def tekken():
    texts = [bytes([byte]) for byte in range(256)] + [b"in", b"ing", b" t", "\u00e9".encode()]
    vocab = [{"rank": rank, "token_bytes": base64.b64encode(text).decode()} for rank, text in enumerate(texts)]
    control = [{"rank": rank, "token_str": text, "is_control": True} for rank, text in enumerate(["<unk>", "<s>", "</s>", "[INST]"])]
    config = {"pattern": r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+", "default_vocab_size": len(texts) + len(control),
              "default_num_special_tokens": len(control)}
    return json.dumps({"config": config, "vocab": vocab, "special_tokens": control})


def main():
    (CORPUS / "tekken_json").mkdir(parents=True, exist_ok=True)
    (CORPUS / "tekken_json" / "small.json").write_text(tekken())
    HERE.mkdir(parents=True, exist_ok=True)
    for name, content in {"llama": llama(), "blocks": blocks(), "gpt2": gpt2("gpt-2"), "llama-bpe": gpt2("llama-bpe", version=2),
                          "deepseek": gpt2("deepseek-v3"), "bert": bert(), "t5": t5()}.items():
        (HERE / f"{name}.gguf").write_bytes(content)


if __name__ == "__main__":
    main()
