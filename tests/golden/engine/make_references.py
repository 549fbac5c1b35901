#!/usr/bin/env python3
"""Records what transformers computes in float64 for tiny random models of each family.

Run: make_references.py OUT [--minilm DIRECTORY]
Needs torch, transformers and safetensors; the tests read what it wrote and need none of them.
Each model folder gets config.json, model.safetensors and expected.json.
"""

import argparse
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

NUM_TOKENS = 40
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Quarterly revenue grew by 14 %, driven by subscriptions.",
    "Zürich, naïve café: ÀÉÎ!",
    "a",
    " ".join(["Paged attention keeps keys and values in blocks."] * 40),
]

DECODER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 48,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# name -> (class, dtype of the file, what its config.json has besides DECODER, rename of tensors)
MODELS = {
    "llama3_rope": ("LlamaForCausalLM", "float32", {
        "model_type": "llama", "head_dim": 16, "rope_theta": 10000.0,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
    }, None),
    "llama3_rope_parameters": ("LlamaForCausalLM", "bfloat16", {
        "model_type": "llama", "head_dim": 16, "eos_token_id": [2, 3],
        "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 4.0,
                            "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                            "original_max_position_embeddings": 64},
    }, None),
    "llama_linear_biases": ("LlamaForCausalLM", "bfloat16", {
        "model_type": "llama", "num_key_value_heads": 1, "head_dim": 16, "attention_bias": True,
        "mlp_bias": True, "rope_theta": 10000.0, "rope_scaling": {"type": "linear", "factor": 4.0},
    }, None),
    "qwen2": ("Qwen2ForCausalLM", "float16", {
        "model_type": "qwen2", "rope_theta": 1000000.0, "tie_word_embeddings": True,
        "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1,
    }, None),
    "mistral": ("MistralForCausalLM", "bfloat16", {
        "model_type": "mistral", "head_dim": 16, "rope_theta": 1000000.0, "sliding_window": 11,
    }, lambda name: name.removeprefix("model.")),
}

BERT = {
    "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 32,
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64,
    "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def randomize(model, dtype):
    """Gives every parameter a random value that `dtype` can hold; norms stay near one."""
    for name, parameter in model.named_parameters():
        is_norm = "norm" in name.lower() and name.endswith("weight")
        scale = 0.1 if is_norm else 0.3
        value = torch.randn(parameter.shape) * scale + (1.0 if is_norm else 0.0)
        parameter.data = value.to(dtype).double()
    return model.double().eval()


def save(folder, model, config, expected, dtype, rename):
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        tensors[rename(name) if rename else name] = tensor.to(dtype).contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def rounded(tensor):
    return [round(value, 6) for value in tensor.flatten().tolist()]


def record_decoder(out, name):
    architecture, dtype, changes, rename = MODELS[name]
    config = {"architectures": [architecture], **DECODER, **changes}
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    loaded = transformers.AutoConfig.from_pretrained(folder)
    loaded._attn_implementation = "eager"
    model = randomize(getattr(transformers, architecture)(loaded), DTYPES[dtype])
    ids = torch.randint(0, config["vocab_size"], (1, NUM_TOKENS))
    with torch.no_grad():
        logits = model(ids).logits[0]
    expected = {"ids": ids[0].tolist(), "logits": rounded(logits)}
    save(folder, model, config, expected, DTYPES[dtype], rename)


def record_bert(out):
    loaded = transformers.BertConfig(**BERT)
    loaded._attn_implementation = "eager"
    model = randomize(transformers.BertModel(loaded, add_pooling_layer=False), torch.float32)
    sequences, mean, first = [], [], []
    for length in (1, 7, 40):
        ids = torch.randint(0, BERT["vocab_size"], (1, length))
        with torch.no_grad():
            hidden = model(ids).last_hidden_state[0]
        sequences.append(ids[0].tolist())
        mean.append(rounded(torch.nn.functional.normalize(hidden.mean(0), dim=0)))
        first.append(rounded(hidden[0]))
    expected = {"sequences": sequences, "mean_normalized": mean, "first": first}
    save(out / "bert", model, BERT, expected, torch.float32, lambda name: "bert." + name)


def record_minilm(out, directory):
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.BertModel.from_pretrained(directory).double().eval()
    expected = []
    for text in TEXTS:
        batch = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(0), dim=0)
        expected.append({"text": text, "num_tokens": batch["input_ids"].shape[1],
                         "vector": rounded(vector)})
    (out / "minilm.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minilm", type=pathlib.Path)
    arguments = parser.parse_args()
    for name in MODELS:
        torch.manual_seed(sorted(MODELS).index(name))
        record_decoder(arguments.out, name)
    torch.manual_seed(len(MODELS))
    record_bert(arguments.out)
    if arguments.minilm:
        record_minilm(arguments.out, arguments.minilm)


if __name__ == "__main__":
    main()
