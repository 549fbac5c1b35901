#!/usr/bin/env python3
"""Records what transformers computes in float64 on the dequantized weights of GGUF files of families.

Run: make_gguf_family_references.py OUT, where OUT has what make_references.py wrote.
Needs torch, transformers, safetensors and gguf 0.19; the tests read what it wrote and need none of
them. Each model folder gets model.gguf and expected.json. The package knows the names of tensors and
keys; what converters change besides is written down here.
Source: llama.cpp, convert_hf_to_gguf.py.
"""

import argparse
import json
import pathlib

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import load_file

from make_references import greedy_tokens, load_config, rotary_embedding, rounded

MATRIX_TYPE = gguf.GGMLQuantizationType.Q8_0
BLOCK = 32

# name -> (the model it is made from, architecture in GGUF files)
FAMILIES = {
    "gguf_qwen3": ("qwen3_yarn", "qwen3"),
    "gguf_phi3": ("phi3_longrope", "phi3"),
    "gguf_gemma2": ("gemma2", "gemma2"),
    "gguf_gemma3": ("gemma3_text", "gemma3"),
    "gguf_gpt2": ("gpt2", "gpt2"),
}


def add_keys(writer, config, family):
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.n_inner if family == "gpt2" else config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    if family == "gpt2":
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(int(head_dim * getattr(config, "partial_rotary_factor", 1.0)))
    if family.startswith("gemma"):
        writer.add_sliding_window(config.sliding_window)
    if family == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if family == "gemma3":
        writer.add_sliding_window_pattern(config._sliding_window_pattern)
        writer.add_rope_freq_base_swa(config.rope_local_base_freq)
    add_rope_scaling(writer, config, int(head_dim * getattr(config, "partial_rotary_factor", 1.0)))


def add_rope_scaling(writer, config, rotary_dim):
    scaling = getattr(config, "rope_scaling", None)
    if not scaling:
        return
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "longrope":
        original = config.original_max_position_embeddings
        factor = config.max_position_embeddings / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(np.sqrt(1 + np.log(factor) / np.log(original)))
        for name in ("long", "short"):
            factors = np.array(scaling[f"{name}_factor"], np.float32)
            assert len(factors) == rotary_dim // 2
            writer.add_tensor(f"rope_factors_{name}.weight", factors)
        return
    writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
    writer.add_rope_scaling_factor(scaling["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(scaling["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(scaling["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(scaling["beta_slow"])


def is_conv1d(family, name):
    return family == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))


def write(path, config, family, tensors):
    """Writes the file; returns the tensors as they decode, in the order of the checkpoint."""
    writer = gguf.GGUFWriter(path, family)
    add_keys(writer, config, family)
    names = gguf.get_tensor_name_map(
        next(arch for arch, text in gguf.MODEL_ARCH_NAMES.items() if text == family),
        config.num_hidden_layers)
    decoded = {}
    for name, tensor in tensors.items():
        value = tensor.float().numpy()
        stored = value.T if is_conv1d(family, name) else value
        if family.startswith("gemma") and name.endswith("norm.weight"):
            stored = stored + 1.0
        their_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
        stored = np.ascontiguousarray(stored)
        if stored.ndim == 2 and stored.shape[1] % BLOCK == 0 and "wpe" not in name:
            blocks = gguf.quants.quantize(stored, MATRIX_TYPE)
            writer.add_tensor(their_name, blocks, raw_dtype=MATRIX_TYPE)
            value = gguf.quants.dequantize(blocks, MATRIX_TYPE)
            value = value.T if is_conv1d(family, name) else value
        elif stored.ndim == 2:
            writer.add_tensor(their_name, stored.astype(np.float16))
            value = value.astype(np.float16).astype(np.float32)
        else:
            writer.add_tensor(their_name, stored.astype(np.float32))
        decoded[name] = torch.from_numpy(np.ascontiguousarray(value)).double()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return decoded


def record(out, name):
    source, family = FAMILIES[name]
    config_json = json.loads((out / source / "config.json").read_text())
    if family.startswith("gemma"):
        # No key says it: it is the size of a head, as in all models but the largest.
        config_json["query_pre_attn_scalar"] = config_json["head_dim"]
    folder = out / name
    config = load_config(folder, config_json)
    (folder / "config.json").unlink()
    tensors = load_file(out / source / "model.safetensors")
    decoded = write(folder / "model.gguf", config, family, tensors)
    model = getattr(transformers, config_json["architectures"][0])(config).double().eval()
    missing, unexpected = model.load_state_dict(decoded, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    ids = json.loads((out / source / "expected.json").read_text())["ids"]
    expected = {"ids": ids}
    with torch.no_grad():
        expected["logits"] = rounded(model(torch.tensor([ids])).logits[0])
        rotary = rotary_embedding(model)
        if rotary is not None and rotary.rope_type == "longrope":
            rotary.rope_type = "default"
        expected["greedy"], margin = greedy_tokens(model, config.bos_token_id)
    print(f"{name}: greedy margin {margin:.1e}, {len(set(expected['greedy']))} different tokens")
    assert margin > 5e-4, f"{name}: the greedy tokens are too close"
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    for name in FAMILIES:
        record(arguments.out, name)


if __name__ == "__main__":
    main()
