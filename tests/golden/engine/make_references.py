#!/usr/bin/env python3
"""Records what transformers computes in float64 for tiny random models of each family.

Run: make_references.py OUT [--only NAME...] [--minilm DIRECTORY]
Needs torch, transformers and safetensors; the tests read what it wrote and need none of them.
Each model folder gets config.json, model.safetensors and expected.json. "rope_parameters" needs
transformers 5, all others were recorded with 4.57 or later.
"""

import argparse
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

NUM_TOKENS = 40
NUM_GREEDY_TOKENS = 64
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

# The number of a model is the seed of its weights: new ones are added at the end.
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
    "mistral": ("MistralForCausalLM", "bfloat16", {
        "model_type": "mistral", "head_dim": 16, "rope_theta": 1000000.0, "sliding_window": 11,
    }, lambda name: name.removeprefix("model.")),
    "qwen2": ("Qwen2ForCausalLM", "float16", {
        "model_type": "qwen2", "rope_theta": 1000000.0, "tie_word_embeddings": True,
        "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1,
    }, None),
}

# Families and scalings that are recorded with greedy tokens too: small ones, with whatever makes
# them different in reach of 40 tokens.
SMALL = {
    "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 32, "max_position_embeddings": 128,
}
SHORT = [1.0, 1.05, 1.1, 1.2, 1.4, 1.7]
LONG = [1.5, 1.1, 2.0, 3.0, 4.5, 6.0]
GEMMA = {
    **SMALL, "num_hidden_layers": 3, "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": True, "query_pre_attn_scalar": 24, "sliding_window": 8,
}
GEMMA3 = {
    **GEMMA, "num_hidden_layers": 4, "model_type": "gemma3_text", "rope_theta": 10000.0,
    "rope_local_base_freq": 100.0, "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "sliding_window_pattern": 3,
}
FAMILIES = {
    "qwen3": ("Qwen3ForCausalLM", "bfloat16", {
        **SMALL, "model_type": "qwen3", "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "use_sliding_window": True, "sliding_window": 9,
        "max_window_layers": 1,
    }, None),
    "llama_dynamic": ("LlamaForCausalLM", "bfloat16", {
        **SMALL, "model_type": "llama", "max_position_embeddings": 16,
        "rope_scaling": {"rope_type": "dynamic", "factor": 4.0},
    }, None),
    "qwen3_yarn": ("Qwen3ForCausalLM", "bfloat16", {
        **SMALL, "model_type": "qwen3", "max_position_embeddings": 256, "rope_theta": 100.0,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 4.0, "beta_slow": 1.0,
                         "original_max_position_embeddings": 64},
    }, None),
    "llama_yarn_mscale": ("LlamaForCausalLM", "bfloat16", {
        **SMALL, "model_type": "llama", "max_position_embeddings": 256, "rope_theta": 100.0,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 4.0, "beta_slow": 1.0,
                         "original_max_position_embeddings": 64, "truncate": False,
                         "mscale": 2.0, "mscale_all_dim": 0.5},
    }, None),
    "phi3": ("Phi3ForCausalLM", "bfloat16", {
        **SMALL, "model_type": "phi3", "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "partial_rotary_factor": 0.5, "sliding_window": 11,
        "pad_token_id": 0,
    }, None),
    "phi3_longrope": ("Phi3ForCausalLM", "bfloat16", {
        **SMALL, "model_type": "phi3", "partial_rotary_factor": 0.75, "pad_token_id": 0,
        "original_max_position_embeddings": 32,
        "rope_scaling": {"type": "longrope", "short_factor": SHORT, "long_factor": LONG},
    }, None),
    "gemma2": ("Gemma2ForCausalLM", "bfloat16", {
        **GEMMA, "model_type": "gemma2", "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 3.0,
    }, None),
    "gemma3_text": ("Gemma3ForCausalLM", "bfloat16", GEMMA3, None),
    "gemma3": ("Gemma3ForConditionalGeneration", "bfloat16", {
        "model_type": "gemma3", "eos_token_id": [1, 3], "tie_word_embeddings": True,
        "text_config": {**DECODER, **GEMMA3},
        "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 8,
                          "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
                          "image_size": 8, "patch_size": 4},
        "mm_tokens_per_image": 1,
    }, lambda name: name.replace("model.language_model.", "language_model.model.")),
    "gpt2": ("GPT2LMHeadModel", "bfloat16", {
        "model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 80,
        "n_inner": 40, "vocab_size": 32, "bos_token_id": 1, "eos_token_id": 2,
    }, None),
}
# transformers saves such configurations without the fields of others.
WITHOUT_DECODER_FIELDS = ("gemma3", "gpt2")

BERT = {
    "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 32,
    "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 64,
    "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def randomize(model, dtype, scale=0.3, table_scale=None):
    """Gives every parameter a random value that `dtype` can hold; norms stay near one."""
    for name, parameter in model.named_parameters():
        is_norm = ("norm" in name.lower() or ".ln_" in name) and name.endswith("weight")
        deviation = (table_scale or scale) if "embed_tokens" in name else scale
        value = torch.randn(parameter.shape) * (0.1 if is_norm else deviation)
        value = value + (1.0 if is_norm else 0.0)
        parameter.data = value.to(dtype).double()
    return model.double().eval()


def save(folder, model, config, expected, dtype, rename):
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        tensors[rename(name) if rename else name] = tensor.to(dtype).contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def rounded(tensor):
    return [round(value, 6) for value in tensor.flatten().tolist()]


def load_config(folder, config):
    """The configuration as transformers reads it from a file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    loaded = transformers.AutoConfig.from_pretrained(folder)
    loaded._attn_implementation = "eager"
    return loaded


def record_decoder(out, name):
    architecture, dtype, changes, rename = MODELS[name]
    config = {"architectures": [architecture], **DECODER, **changes}
    folder = out / name
    loaded = load_config(folder, config)
    model = randomize(getattr(transformers, architecture)(loaded), DTYPES[dtype])
    ids = torch.randint(0, config["vocab_size"], (1, NUM_TOKENS))
    with torch.no_grad():
        logits = model(ids).logits[0]
    expected = {"ids": ids[0].tolist(), "logits": rounded(logits)}
    save(folder, model, config, expected, DTYPES[dtype], rename)


def rotary_embedding(model):
    return getattr(model.model, "rotary_emb", None) if hasattr(model, "model") else None


def greedy_tokens(model, bos):
    """The likeliest tokens from BOS on, and the least distance to the second likeliest."""
    ids, margin = [bos], float("inf")
    for _ in range(NUM_GREEDY_TOKENS):
        best = model(torch.tensor([ids])).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        ids.append(int(best.indices[0]))
    return ids, margin


def record_family(out, name):
    architecture, dtype, changes, rename = FAMILIES[name]
    common = {} if name in WITHOUT_DECODER_FIELDS else DECODER
    config = {"architectures": [architecture], **common, **changes}
    loaded = load_config(out / name, config)
    for _ in range(100):
        model, expected, margin = try_family(name, loaded)
        different = len(set(expected["greedy"]))
        # Others say little, or depend on rounding.
        if margin > 2e-3 and different > 5:
            print(f"{name}: greedy margin {margin:.1e}, {different} different tokens")
            return save(out / name, model, config, expected, DTYPES[dtype], rename)
    raise RuntimeError(f"{name}: no weights with clear greedy tokens")


def try_family(name, loaded):
    """A random model, what it computes, and the margin of its greedy tokens."""
    architecture, dtype, _, _ = FAMILIES[name]
    model = randomize(getattr(transformers, architecture)(loaded), DTYPES[dtype],
                      scale=0.4, table_scale=0.15 if "gemma" in name else None)
    text_config = loaded.get_text_config()
    ids = torch.randint(0, text_config.vocab_size, (1, NUM_TOKENS))
    expected = {"ids": ids[0].tolist()}
    with torch.no_grad():
        if name == "phi3_longrope":  # within the original context
            expected["short_logits"] = rounded(model(ids[:, :24]).logits[0])
        expected["logits"] = rounded(model(ids).logits[0])
        # Frequencies that follow the length stay what they are for these tokens, as on a server
        # with contexts of this length.
        rotary = rotary_embedding(model)
        if rotary is not None and rotary.rope_type in ("dynamic", "longrope"):
            expected["context_tokens"] = NUM_TOKENS
            rotary.rope_type = "default"
        expected["greedy"], margin = greedy_tokens(model, text_config.bos_token_id)
    return model, expected, margin


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
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--minilm", type=pathlib.Path)
    arguments = parser.parse_args()
    recorders = [*((name, record_decoder) for name in MODELS), ("bert", lambda out, _: record_bert(out)),
                 *((name, record_family) for name in FAMILIES)]
    for seed, (name, record) in enumerate(recorders):
        if arguments.only and name not in arguments.only:
            continue
        torch.manual_seed(seed)
        record(arguments.out, name)
    if arguments.minilm:
        record_minilm(arguments.out, arguments.minilm)


if __name__ == "__main__":
    main()
