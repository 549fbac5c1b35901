#!/usr/bin/env python3
"""Records what transformers computes in float64 on the dequantized weights of tiny quantized models.

Run: make_quantized_references.py OUT [--only NAME...]
Needs torch, transformers, safetensors and bitsandbytes; the tests read what it wrote and need none
of them. Each model folder gets config.json, model.safetensors and expected.json.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

from make_references import (DECODER, FAMILIES, WITHOUT_DECODER_FIELDS, greedy_tokens, load_config,
                             randomize, rounded)

NUM_TOKENS = 40

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 48,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# Layers that hold several, and layers whose plain weights are [in, out].
SMALL = {**LLAMA, "num_hidden_layers": 1, "intermediate_size": 32, "vocab_size": 32,
         "pad_token_id": 0}
PHI3 = {**SMALL, "architectures": ["Phi3ForCausalLM"], "model_type": "phi3"}
GPT2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 64, "n_layer": 1,
        "n_head": 4, "n_positions": 128, "n_inner": 32, "vocab_size": 32, "bos_token_id": 1,
        "eos_token_id": 2}


# --- Encoders: weight [out, in] -> (tensors of the checkpoint, weight as they decode) ----------------

def bit_stream(fields, bits, axis):
    """Packs unsigned fields along `axis` into 32-bit words, the lowest bits first."""
    fields = np.moveaxis(fields.astype(np.uint64), axis, 0)
    words = np.zeros((fields.shape[0] * bits // 32 + 1, *fields.shape[1:]), np.uint64)
    for index, field in enumerate(fields):
        word, shift = divmod(index * bits, 32)
        words[word] |= (field << np.uint64(shift)) & np.uint64(0xFFFFFFFF)
        words[word + 1] |= field >> np.uint64(32 - shift) if shift else np.uint64(0)
    words = words[:-1].astype(np.uint32).astype(np.int32)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(words, 0, axis)))


def group_grid(weight, group_index, bits, symmetric):
    """Scales (f16) and zero points [out, groups] of a grid over each group, and the codes."""
    groups = int(group_index.max()) + 1
    scales = torch.zeros(weight.shape[0], groups)
    zeros = torch.zeros(weight.shape[0], groups, dtype=torch.int64)
    most = (1 << bits) - 1
    for group in range(groups):
        part = weight[:, group_index == group]
        low, high = part.amin(1).clamp(max=0), part.amax(1).clamp(min=0)
        if symmetric:
            high = torch.maximum(-low, high)
            low = -high
        scale = ((high - low) / most).half().float()
        scales[:, group] = scale
        zeros[:, group] = (1 << (bits - 1)) if symmetric else torch.round(-low / scale).long()
    # The older GPTQ format cannot hold a zero point of 0.
    zeros = zeros.clamp(1, most)
    index = group_index.long()
    codes = torch.round(weight / scales[:, index] + zeros[:, index]).clamp(0, most).long()
    value = (codes - zeros[:, index]) * scales[:, index].double()
    return codes.numpy(), scales.half(), zeros.numpy(), value


def encode_gptq(weight, bits, group_size, symmetric, act_order, minus_one):
    inputs = weight.shape[1]
    index = torch.arange(inputs) // (inputs if group_size < 0 else group_size)
    if act_order:
        index = index[torch.randperm(inputs)]
    codes, scales, zeros, value = group_grid(weight, index, bits, symmetric)
    return {"qweight": bit_stream(codes.T, bits, axis=0),
            "qzeros": bit_stream(zeros.T - (1 if minus_one else 0), bits, axis=1),
            "scales": scales.t(), "g_idx": index.to(torch.int32)}, value


def encode_awq(weight, version, group_size):
    inputs = weight.shape[1]
    index = torch.arange(inputs) // group_size
    codes, scales, zeros, value = group_grid(weight, index, 4, symmetric=False)
    groups = scales.shape[1]
    at_once = 1 if group_size >= 128 else 2 if group_size == 64 else 4
    padded = -(-(-(-groups // 8)) // at_once) * at_once * 8
    if version == "gemm":
        order = np.arange(weight.shape[0]).reshape(-1, 8)[:, [0, 2, 4, 6, 1, 3, 5, 7]].reshape(-1)
        return {"qweight": bit_stream(codes.T[:, order], 4, axis=1),
                "qzeros": bit_stream(zeros.T[:, order], 4, axis=1), "scales": scales.t()}, value
    wide_scales = torch.zeros(weight.shape[0], padded, dtype=torch.float16)
    wide_scales[:, :groups] = scales
    if version == "gemv":
        wide_zeros = np.zeros((weight.shape[0], padded), np.int64)
        wide_zeros[:, :groups] = zeros
        return {"qweight": bit_stream(codes, 4, axis=1), "scales": wide_scales,
                "qzeros": bit_stream(wide_zeros, 4, axis=1)}, value
    # gemv_fast: a permutation of 32 inputs, one of 8, four outputs by 64 inputs into 16-bit words.
    permuted = codes.reshape(-1, inputs // 32, 4, 4, 2).transpose(0, 1, 3, 2, 4)
    permuted = permuted.reshape(-1, inputs // 32, 4, 4, 2).transpose(0, 1, 2, 4, 3)
    permuted = permuted.reshape(weight.shape[0] // 4, 4, inputs // 64, 64).transpose(0, 2, 1, 3)
    permuted = permuted.reshape(weight.shape[0] // 4, inputs // 64, 64, 4)
    words = sum(permuted[..., i] << (4 * i) for i in range(4)).reshape(weight.shape[0] // 4, inputs)
    offsets = torch.zeros_like(wide_scales)
    offsets[:, :groups] = -(scales.float() * torch.from_numpy(zeros)).half()
    value = (torch.from_numpy(codes) * scales[:, index].double() + offsets[:, index].double())
    return {"qweight": torch.from_numpy(words.astype(np.uint16).view(np.int16).copy()),
            "scales": wide_scales.t(), "qzeros": offsets.t()}, value


def encode_bnb4(weight, kind, block_size, nested, storage):
    import bitsandbytes.functional as bnb
    codes, state = bnb.quantize_4bit(weight, blocksize=block_size, compress_statistics=nested,
                                     quant_type=kind, quant_storage=storage)
    tensors = {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}
    return {"weight": codes, **tensors}, bnb.dequantize_4bit(codes, state).double()


def encode_int8(weight):
    absmax = weight.abs().amax(1)
    codes = torch.round(weight * 127 / absmax[:, None]).to(torch.int8)
    return ({"weight": codes, "SCB": absmax, "weight_format": torch.tensor(0, dtype=torch.uint8)},
            codes.double() * absmax[:, None].double() / 127)


# --- Models -----------------------------------------------------------------------------------------

def gptq(bits, group_size, sym, desc_act, checkpoint_format="gptq"):
    config = {"quant_method": "gptq", "bits": bits, "group_size": group_size, "sym": sym,
              "desc_act": desc_act, "checkpoint_format": checkpoint_format}
    return config, lambda name, weight: encode_gptq(weight, bits, group_size, sym, desc_act,
                                                    checkpoint_format == "gptq")


def gptq_mixed():
    """Settings of their own for some layers, plain weights for others; the first rule counts."""
    config = {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": False, "desc_act": False,
              "dynamic": {"-:.*\\.1\\.mlp\\..*": {},
                          "+:.*\\.mlp\\.(up|gate)_proj": {"bits": 8, "group_size": -1},
                          ".*\\.mlp\\..*": {"bits": 2, "group_size": 16, "sym": True}}}

    def encode(name, weight):
        if ".1.mlp." in name:
            return None
        if "up_proj" in name or "gate_proj" in name:
            return encode_gptq(weight, 8, -1, False, False, True)
        if "down_proj" in name:
            return encode_gptq(weight, 2, 16, True, False, True)
        return encode_gptq(weight, 4, 32, False, False, True)
    return config, encode


def awq(version, group_size):
    config = {"quant_method": "awq", "bits": 4, "group_size": group_size, "zero_point": True,
              "version": version}
    return config, lambda name, weight: encode_awq(weight, version.lower(), group_size)


def bnb4(kind, block_size, nested, storage=torch.uint8):
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False,
              "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": nested,
              "bnb_4bit_quant_storage": str(storage).removeprefix("torch."),
              "llm_int8_skip_modules": ["lm_head"]}
    return config, lambda name, weight: encode_bnb4(weight, kind, block_size, nested, storage)


def int8():
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False,
              "llm_int8_threshold": 6.0, "llm_int8_skip_modules": ["lm_head"]}
    return config, lambda name, weight: encode_int8(weight)


MODELS = {
    "gptq2": gptq(2, 32, False, False, "gptq_v2"),
    "gptq3": gptq(3, 32, False, True),
    "gptq4": gptq(4, 32, False, False),
    "gptq4_act_order": gptq(4, 16, True, True),
    "gptq8": gptq(8, -1, True, False),
    "gptq_mixed": gptq_mixed(),
    "awq_gemm": awq("GEMM", 32),
    "awq_gemv": awq("gemv", 64),
    "awq_gemv_fast": awq("gemv_fast", 32),
    "nf4": bnb4("nf4", 64, True),
    "fp4": bnb4("fp4", 128, False, torch.float32),
    "int8": int8(),
    "phi3_gptq4_act_order": gptq(4, 16, False, True),
    "phi3_awq_gemm": awq("GEMM", 32),
    "gpt2_gptq8": gptq(8, 32, False, False),
}

# Every family of make_references in the formats that loaders meet most: layers that hold several,
# norms of weight plus one, layers stored [in, out].
QUANTIZED_FAMILIES = ("qwen3", "phi3", "gemma2", "gemma3_text", "gpt2")
FAMILY_FORMATS = {
    "nf4": bnb4("nf4", 64, True),
    "int8": int8(),
    "gptq4": gptq(4, 16, True, True),
}


def model_json(name):
    return {"phi3": PHI3, "gpt2": GPT2}.get(name.split("_")[0], LLAMA)


def linear_weight(module):
    """The weight [out, in] of a layer, or None: transformers' Conv1D has it the other way."""
    if isinstance(module, torch.nn.Linear):
        return module.weight.data
    if isinstance(module, transformers.pytorch_utils.Conv1D):
        return module.weight.data.t()
    return None


def quantize(model, encode):
    """The tensors of a quantized checkpoint; `model` gets the weights that they decode to."""
    tensors = {name: tensor.half() for name, tensor in model.state_dict().items()}
    for name, module in model.named_modules():
        weight = linear_weight(module)
        if weight is None or name == "lm_head":
            continue
        encoded = encode(name, weight.float())
        if encoded is None:
            continue
        del tensors[f"{name}.weight"]
        for suffix, tensor in encoded[0].items():
            tensors[f"{name}.{suffix}"] = tensor
        value = encoded[1].double()
        module.weight.data = value if isinstance(module, torch.nn.Linear) else value.t()
    if model.config.tie_word_embeddings:
        del tensors["lm_head.weight"]
    return tensors


def add_biases(model, tensors):
    """What some quantizers write for every layer, whatever config.json says."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and f"{name}.qweight" in tensors:
            bias = (torch.randn(module.out_features) * 0.1).half()
            module.bias = torch.nn.Parameter(bias.double())
            tensors[f"{name}.bias"] = bias


def record(out, name):
    quantization_config, encode = MODELS[name]
    config = model_json(name)
    loaded = transformers.AutoConfig.for_model(**config)
    loaded._attn_implementation = "eager"
    architecture = getattr(transformers, config["architectures"][0])
    model = randomize(architecture(loaded), torch.float16)
    tensors = quantize(model, encode)
    if name == "gptq_mixed":
        add_biases(model, tensors)
    expected, _ = run(model, config["vocab_size"], config["bos_token_id"])
    save(out / name, tensors, config, quantization_config, expected)


def run(model, vocab_size, bos):
    """What the tests expect, and the margin of the greedy tokens."""
    ids = torch.randint(0, vocab_size, (1, NUM_TOKENS))
    with torch.no_grad():
        logits = model(ids).logits[0]
        greedy, margin = greedy_tokens(model, bos)
    return {"ids": ids[0].tolist(), "logits": rounded(logits), "greedy": greedy}, margin


def record_family(out, family, form):
    architecture, _, changes, _ = FAMILIES[family]
    common = {} if family in WITHOUT_DECODER_FIELDS else DECODER
    config = {"architectures": [architecture], **common, **changes}
    folder = out / f"{family}_{form}"
    loaded = load_config(folder, config)
    quantization_config, encode = FAMILY_FORMATS[form]
    for _ in range(100):
        model = randomize(getattr(transformers, architecture)(loaded), torch.float16, scale=0.4,
                          table_scale=0.15 if "gemma" in family else None)
        tensors = quantize(model, encode)
        expected, margin = run(model, config["vocab_size"], config["bos_token_id"])
        # Others say little, or depend on rounding.
        if margin > 2e-3 and len(set(expected["greedy"])) > 5:
            return save(folder, tensors, config, quantization_config, expected)
    raise RuntimeError(f"{folder.name}: no weights with clear greedy tokens")


def save(folder, tensors, config, quantization_config, expected):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()},
              folder / "model.safetensors", metadata={"format": "pt"})
    config = {**config, "quantization_config": quantization_config}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    for number, name in enumerate(MODELS):
        if arguments.only and name not in arguments.only:
            continue
        torch.manual_seed(number)
        record(arguments.out, name)
    families = [(family, form) for family in QUANTIZED_FAMILIES for form in FAMILY_FORMATS]
    for number, (family, form) in enumerate(families):
        if arguments.only and f"{family}_{form}" not in arguments.only:
            continue
        torch.manual_seed(1000 + number)
        record_family(arguments.out, family, form)


if __name__ == "__main__":
    main()
