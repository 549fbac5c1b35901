#!/usr/bin/env python3
"""Records what transformers computes in float64 for tiny random RoBERTa encoders and cross-encoders.

Run: make_encoder_references.py OUT
Needs what make_references.py needs, and tokenizers. Encoders get the files that it writes for
"bert"; cross-encoders get a tokenizer.json and an expected.json of queries and documents.
"""

import argparse
import json
import pathlib

import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

import make_references

TRAINING_TEXT = pathlib.Path(__file__).parents[1] / "tokenizer" / "training_text.txt"
MAX_TOKENS = 64
SHAPE = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "hidden_act": "gelu", "layer_norm_eps": 1e-5,
}
# The end of the last one does not fit and is cut off.
QUERY = "Who carried the letters?"
DOCUMENTS = [
    "The postman carried the letters over the hill.",
    "",
    "[SEP] and [CLS] are ordinary text here.",
    "Zürich: 14 %, naïve café.",
    " ".join(["The last word of this document is never read."] * 20),
]


def roberta_config(architecture, model_type, pad, vocab_size, **changes):
    return {"architectures": [architecture], "model_type": model_type, **SHAPE,
            "vocab_size": vocab_size, "max_position_embeddings": MAX_TOKENS + pad + 1,
            "type_vocab_size": 1, "pad_token_id": pad, **changes}


def build(config):
    """A random model as config.json asks for."""
    loaded = transformers.AutoConfig.for_model(**{k: v for k, v in config.items()
                                                  if k != "architectures"})
    loaded._attn_implementation = "eager"
    model_class = getattr(transformers, config["architectures"][0])
    options = {} if "Classification" in model_class.__name__ else {"add_pooling_layer": False}
    return model_class(loaded, **options)


def record_encoder(out, name, config, dtype, rename):
    model = make_references.randomize(build(config), dtype)
    pad = config["pad_token_id"]
    sequences, mean, first = [], [], []
    for length in (1, 7, 40):
        ids = torch.randint(0, config["vocab_size"], (1, length))
        if length > 1:
            ids[0, length // 2] = pad  # a token that does not count in positions
        with torch.no_grad():
            hidden = model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        sequences.append(ids[0].tolist())
        mean.append(make_references.rounded(torch.nn.functional.normalize(hidden.mean(0), dim=0)))
        first.append(make_references.rounded(hidden[0]))
    expected = {"sequences": sequences, "mean_normalized": mean, "first": first}
    make_references.save(out / name, model, config, expected, dtype, rename)


def word_piece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train([str(TRAINING_TEXT)],
                    trainers.WordPieceTrainer(vocab_size=150, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")])
    return tokenizer


ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def byte_level():
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train([str(TRAINING_TEXT)], trainers.BpeTrainer(
        vocab_size=290, special_tokens=ROBERTA_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def unigram():
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train([str(TRAINING_TEXT)], trainers.UnigramTrainer(
        vocab_size=260, special_tokens=ROBERTA_SPECIAL, unk_token="<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def record_cross_encoder(out, name, tokenizer, config, dtype):
    model = make_references.randomize(build(config), dtype)
    tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
    scored = []
    for document in DOCUMENTS:
        # Strings that look like special tokens are ordinary text in documents.
        tokenizer.encode_special_tokens = True
        encoding = tokenizer.encode(QUERY, document)
        with torch.no_grad():
            logits = model(torch.tensor([encoding.ids]),
                           attention_mask=torch.ones(1, len(encoding.ids), dtype=torch.long),
                           token_type_ids=torch.tensor([encoding.type_ids])).logits[0]
        scored.append({"text": document, "ids": encoding.ids, "type_ids": encoding.type_ids,
                       "truncated": bool(encoding.overflowing),
                       "logits": make_references.rounded(logits)})
    expected = {"query": QUERY, "documents": scored}
    make_references.save(out / name, model, config, expected, dtype, None)
    tokenizer.no_truncation()
    (out / name / "tokenizer.json").write_text(tokenizer.to_str() + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    out = parser.parse_args().out

    torch.manual_seed(101)
    record_encoder(out, "roberta", roberta_config("RobertaModel", "roberta", 1, 64),
                   torch.float32, lambda name: "roberta." + name)
    torch.manual_seed(102)
    record_encoder(out, "xlm_roberta", roberta_config("XLMRobertaModel", "xlm-roberta", 3, 64),
                   torch.float16, None)

    torch.manual_seed(103)
    tokenizer = word_piece()
    record_cross_encoder(out, "rerank_bert", tokenizer, {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", **SHAPE,
        "vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": MAX_TOKENS,
        "type_vocab_size": 2, "pad_token_id": 0, "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity",
    }, torch.float32)
    torch.manual_seed(104)
    tokenizer = byte_level()
    record_cross_encoder(out, "rerank_roberta", tokenizer, roberta_config(
        "RobertaForSequenceClassification", "roberta", 1, tokenizer.get_vocab_size(),
        id2label={"0": "no", "1": "maybe", "2": "yes"},
        label2id={"no": 0, "maybe": 1, "yes": 2}), torch.float16)
    torch.manual_seed(105)
    tokenizer = unigram()
    record_cross_encoder(out, "rerank_xlm_roberta", tokenizer, roberta_config(
        "XLMRobertaForSequenceClassification", "xlm-roberta", 1, tokenizer.get_vocab_size(),
        id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0}), torch.float16)


if __name__ == "__main__":
    main()
