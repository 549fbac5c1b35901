#!/usr/bin/env python3
"""Records what transformers computes in float64 on the dequantized weights of tiny BERT encoders in
GGUF files, from texts to vectors.

Run: make_gguf_encoder_references.py OUT
Needs gguf, torch and transformers; the tests read what it wrote and need none of them. Each model
folder gets model.gguf and expected.json.
"""

import argparse
import json
import pathlib
import tempfile

import gguf
import numpy as np
import torch
import transformers

from make_gguf_references import kind_of, random_rows

HIDDEN, INTERMEDIATE, HEADS, POSITIONS = 64, 96, 4, 48
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "boat", "sails", "at", "noon", "in", "##board", "un", "##seen", ",", ".", "1",
         "##2", "caf", "日"]
LETTERS = "abehmnostu"
VOCABULARY = SPECIAL + WORDS + list(LETTERS) + ["##" + letter for letter in LETTERS]
TEXTS = ["The boat sails at noon.", "inboard boats, unseen", "", "café 12 日日 qqq",
         "the " * 44 + "sails", "the boat " * 30]
NAMES = {  # ours -> theirs, with the shape of a matrix
    "embeddings.word_embeddings": ("token_embd", (len(VOCABULARY), HIDDEN)),
    "embeddings.position_embeddings": ("position_embd", (POSITIONS, HIDDEN)),
    "embeddings.token_type_embeddings": ("token_types", (2, HIDDEN)),
}
LAYER_NAMES = {
    "attention.self.query": ("attn_q", (HIDDEN, HIDDEN)),
    "attention.self.key": ("attn_k", (HIDDEN, HIDDEN)),
    "attention.self.value": ("attn_v", (HIDDEN, HIDDEN)),
    "attention.output.dense": ("attn_output", (HIDDEN, HIDDEN)),
    "intermediate.dense": ("ffn_up", (INTERMEDIATE, HIDDEN)),
    "output.dense": ("ffn_down", (HIDDEN, INTERMEDIATE)),
}
NORMS = {"attention.output.LayerNorm": "attn_output_norm", "output.LayerNorm": "layer_output_norm"}


class Model:
    """A GGUF file in the making and the same weights for transformers."""

    def __init__(self, seed, types, layers):
        """`types`: GGUF name of a matrix -> block type; F16 where it is absent."""
        self.random = np.random.default_rng(seed)
        self.types, self.layers = types, layers
        self.tensors, self.weights = [], {}
        for ours, (theirs, shape) in NAMES.items():
            self.matrix(ours, theirs, shape, "F32" if theirs != "token_embd" else None)
        self.norm("embeddings.LayerNorm", "token_embd_norm")
        for layer in range(layers):
            for ours, (theirs, shape) in LAYER_NAMES.items():
                name = f"encoder.layer.{layer}.{ours}"
                self.matrix(name, f"blk.{layer}.{theirs}", shape)
                self.vector(f"{name}.bias", f"blk.{layer}.{theirs}.bias",
                            0.1 * self.random.standard_normal(shape[0]))
            for ours, theirs in NORMS.items():
                self.norm(f"encoder.layer.{layer}.{ours}", f"blk.{layer}.{theirs}")

    def matrix(self, ours, theirs, shape, kind=None):
        kind = kind or self.types.get(theirs.rpartition(".")[2], "F16")
        deviation = 1.5 / np.sqrt(shape[1])
        if kind in ("F32", "F16"):
            dtype = np.float32 if kind == "F32" else np.float16
            stored = (self.random.standard_normal(shape) * deviation).astype(dtype)
            value = stored
        else:
            stored = random_rows(self.random, kind, *shape, deviation)
            value = gguf.quants.dequantize(stored, kind_of(kind))
        self.add(f"{ours}.weight", f"{theirs}.weight", stored, value, kind)

    def vector(self, ours, theirs, values):
        values = values.astype(np.float32)
        self.add(ours, theirs, values, values, "F32")

    def norm(self, ours, theirs):
        self.vector(f"{ours}.weight", f"{theirs}.weight",
                    1.0 + 0.1 * self.random.standard_normal(HIDDEN))
        self.vector(f"{ours}.bias", f"{theirs}.bias", 0.1 * self.random.standard_normal(HIDDEN))

    def add(self, ours, theirs, stored, value, kind):
        self.tensors.append((theirs, stored, kind))
        self.weights[ours] = torch.from_numpy(value.astype(np.float64))

    def write(self, path, pooling):
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_context_length(POSITIONS)
        writer.add_embedding_length(HIDDEN)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(INTERMEDIATE)
        writer.add_head_count(HEADS)
        writer.add_layer_norm_eps(1e-12)
        writer.add_causal_attention(False)
        writer.add_pooling_type(pooling)
        writer.add_tokenizer_model("bert")
        writer.add_token_list([token_text(token) for token in VOCABULARY])
        writer.add_token_types([gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL
                                for token in VOCABULARY])
        writer.add_token_type_count(2)
        writer.add_bos_token_id(VOCABULARY.index("[CLS]"))
        writer.add_sep_token_id(VOCABULARY.index("[SEP]"))
        writer.add_unk_token_id(VOCABULARY.index("[UNK]"))
        writer.add_pad_token_id(VOCABULARY.index("[PAD]"))
        for name, stored, kind in self.tensors:
            writer.add_tensor(name, stored,
                              raw_dtype=None if kind in ("F32", "F16") else kind_of(kind))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def reference(self):
        config = transformers.BertConfig(
            vocab_size=len(VOCABULARY), hidden_size=HIDDEN, num_hidden_layers=self.layers,
            num_attention_heads=HEADS, intermediate_size=INTERMEDIATE,
            max_position_embeddings=POSITIONS, layer_norm_eps=float(np.float32(1e-12)))
        model = transformers.BertModel(config, add_pooling_layer=False).double().eval()
        missing, unexpected = model.load_state_dict(self.weights, strict=False)
        assert not unexpected and all("position_ids" in name for name in missing), missing
        return model


def token_text(token):
    """As converters write tokens: the beginning of a word is marked, not its continuation."""
    if token in SPECIAL:
        return token
    return token.removeprefix("##") if token.startswith("##") else "\u2581" + token


def tokenizer():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
        return transformers.BertTokenizerFast(vocab_file=str(path), do_lower_case=True)


@torch.inference_mode()
def record(folder, model, pooling):
    folder.mkdir(parents=True, exist_ok=True)
    model.write(folder / "model.gguf", pooling)
    reference, tokenize = model.reference(), tokenizer()
    expected = {"texts": TEXTS, "num_tokens": [], "vectors": []}
    for text in TEXTS:
        ids = tokenize(text, truncation=True, max_length=POSITIONS, return_tensors="pt").input_ids
        hidden = reference(input_ids=ids).last_hidden_state[0]
        vector = hidden[0] if pooling == gguf.PoolingType.CLS else hidden.mean(0)
        expected["num_tokens"].append(ids.shape[1])
        expected["vectors"].append([round(x, 7) for x in (vector / vector.norm()).tolist()])
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n",
                                          encoding="utf-8")
    print(f"{folder.name}: {expected['num_tokens']} tokens")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out
    blocks = {"token_embd": "Q4_0", "attn_q": "IQ4_NL", "attn_k": "Q5_1", "attn_v": "Q8_0",
              "attn_output": "Q4_1", "ffn_up": "Q5_0", "ffn_down": "IQ4_NL"}
    record(out / "gguf_bert", Model(200, blocks, layers=2), gguf.PoolingType.MEAN)
    record(out / "gguf_bert_f16", Model(201, {}, layers=1), gguf.PoolingType.CLS)


if __name__ == "__main__":
    main()
