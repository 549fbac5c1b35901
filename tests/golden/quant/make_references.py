#!/usr/bin/env python3
"""Records what the Python packages of each weight format make of small random tensors.

Run: make_references.py OUT [--packages DIRECTORY]...
Needs torch, safetensors, bitsandbytes 0.50, gptqmodel 7.7, and below one of DIRECTORY the unpacked
packages auto_gptq 0.7.1 and awq (autoawq 0.2.9), single files of which are loaded. The tests read
what this wrote and need none of them.

Each OUT/NAME.safetensors holds the tensors of a linear layer "layer" as a checkpoint has them,
`expected` [out, in] in the type the package computes in, and in its metadata the
`quantization_config` of such a checkpoint.
"""

import argparse
import importlib.util
import json
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file

DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}


def load_file(directories, relative):
    """The module in one file of a package that as a whole needs a GPU."""
    for directory in directories:
        path = directory / relative
        if path.exists():
            spec = importlib.util.spec_from_file_location(path.stem, path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise SystemExit(f"{relative}: not found below --packages")


def save(out, name, config, expected, tensors):
    tensors = {f"layer.{key}": value.contiguous() for key, value in tensors.items()}
    tensors["expected"] = expected.contiguous()
    save_file(tensors, out / f"{name}.safetensors",
              metadata={"quantization_config": json.dumps(config)})


# --- GPTQ -------------------------------------------------------------------------------------------

# name -> bits, out, in, group size, act order, symmetric, type of the scales
GPTQ = {
    "gptq2": (2, 32, 64, 16, False, False, "f16"),
    "gptq2_sym": (2, 32, 64, 32, True, True, "f16"),
    "gptq3": (3, 32, 64, 32, False, False, "f16"),
    "gptq3_act_order": (3, 32, 96, 32, True, False, "f16"),
    "gptq4": (4, 32, 64, 32, False, False, "f16"),
    "gptq4_sym": (4, 32, 64, 32, False, True, "bf16"),
    "gptq4_act_order": (4, 32, 96, 32, True, False, "f32"),
    "gptq4_whole": (4, 32, 64, -1, False, False, "f16"),
    "gptq8": (8, 32, 64, 32, False, False, "f16"),
    "gptq8_act_order": (8, 32, 64, 20, True, True, "bf16"),
}


def random_grid(bits, out, groups, symmetric, dtype):
    """Scales and zero points [out, groups] of a quantizer. True zero points of 0, which the older
    format cannot hold, are left out."""
    scales = (torch.rand(out, groups) * 0.1 + 0.01).to(dtype)
    middle = 1 << (bits - 1)
    zeros = torch.full((out, groups), middle) if symmetric else torch.randint(1, 1 << bits,
                                                                              (out, groups))
    return scales, zeros


def group_index(inputs, group_size, act_order):
    index = torch.arange(inputs, dtype=torch.int32) // (inputs if group_size < 0 else group_size)
    return index[torch.randperm(inputs)].contiguous() if act_order else index


def record_gptq(out, name, auto_gptq):
    """AutoGPTQ packs, and its forward pass on the unit matrix gives the weights."""
    bits, outputs, inputs, group_size, act_order, symmetric, dtype_name = GPTQ[name]
    dtype = DTYPES[dtype_name]
    layer = auto_gptq.QuantLinear(bits, group_size, inputs, outputs, bias=False, weight_dtype=dtype)
    scales, zeros = random_grid(bits, outputs, layer.scales.shape[0], symmetric, dtype)
    g_idx = group_index(inputs, group_size, act_order)
    codes = torch.randint(0, 1 << bits, (outputs, inputs))
    linear = torch.nn.Linear(inputs, outputs, bias=False, dtype=torch.float32)
    linear.weight.data = (codes - zeros[:, g_idx.long()]) * scales[:, g_idx.long()].float()
    layer.pack(linear, scales.float(), zeros.float(), g_idx)
    layer.scales = layer.scales.to(dtype)
    expected = layer(torch.eye(inputs, dtype=dtype)).t()
    config = {"quant_method": "gptq", "bits": bits, "group_size": group_size, "sym": symmetric,
              "desc_act": act_order}
    save(out, name, config, expected, {"qweight": layer.qweight, "qzeros": layer.qzeros,
                                       "scales": layer.scales, "g_idx": g_idx})


def record_gptq_v2(out, bits):
    """GPTQModel decodes words of all bit patterns."""
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    outputs, inputs, group_size = 32, 64, 32
    layer = TorchLinear(bits=bits, group_size=group_size, sym=False, desc_act=True,
                        in_features=inputs, out_features=outputs, bias=False,
                        pack_dtype=torch.int32, register_buffers=True)

    def words(tensor):
        return torch.randint(-2**31, 2**31, tensor.shape, dtype=torch.int64).to(torch.int32)

    layer.qweight.data = words(layer.qweight)
    layer.qzeros.data = words(layer.qzeros)
    layer.scales.data = (torch.rand(layer.scales.shape) * 0.1).half()
    layer.g_idx.data = group_index(inputs, group_size, True)
    tensors = {"qweight": layer.qweight.clone(), "qzeros": layer.qzeros.clone(),
               "scales": layer.scales.clone(), "g_idx": layer.g_idx.clone()}
    layer.post_init()
    layer.eval()
    config = {"quant_method": "gptq", "bits": bits, "group_size": group_size, "sym": False,
              "desc_act": True, "checkpoint_format": "gptq_v2"}
    save(out, f"gptq{bits}_second_format", config, layer.dequantize_weight().t(), tensors)


# --- AWQ --------------------------------------------------------------------------------------------

def awq_config(version, group_size):
    return {"quant_method": "awq", "bits": 4, "group_size": group_size, "zero_point": True,
            "version": version}


def record_awq_gemm(out, group_size, awq_packing):
    """AutoAWQ decodes words of all bit patterns."""
    outputs, inputs = 16, 128
    groups = inputs // group_size

    def words(rows):
        return torch.randint(-2**31, 2**31, (rows, outputs // 8), dtype=torch.int64).to(torch.int32)

    tensors = {"qweight": words(inputs), "qzeros": words(groups),
               "scales": (torch.rand(groups, outputs) * 0.1).half()}
    expected = awq_packing.dequantize_gemm(
        tensors["qweight"], tensors["qzeros"], tensors["scales"], 4, group_size).t()
    save(out, f"awq_gemm_{group_size}", awq_config("gemm", group_size), expected, tensors)


def record_awq_packed(out, version, group_size, layer_class):
    """AutoAWQ packs; it has no decoder outside its GPU code, so the values are the definition's."""
    outputs, inputs = 8, 256
    groups = inputs // group_size
    scales = (torch.rand(outputs, groups) * 0.1 + 0.01).half()
    zeros = torch.randint(0, 16, (outputs, groups))
    codes = torch.randint(0, 16, (outputs, inputs))
    index = torch.arange(inputs) // group_size
    linear = torch.nn.Linear(inputs, outputs, bias=False)
    linear.weight.data = (codes - zeros[:, index]) * scales[:, index].float()
    layer = layer_class.from_linear(linear, 4, group_size, scales=scales, zeros=zeros.float())
    if version == "gemv":
        expected = scales[:, index] * (codes - zeros[:, index])
    else:
        scaled_zeros = layer.qzeros[:groups].t()
        expected = scales[:, index].float() * codes + scaled_zeros[:, index].float()
    save(out, f"awq_{version}_{group_size}", awq_config(version, group_size), expected,
         {"qweight": layer.qweight, "qzeros": layer.qzeros, "scales": layer.scales})


# --- bitsandbytes -----------------------------------------------------------------------------------

# name -> type, out, in, block size, nested, type of the weight, type of the storage
BNB4 = {
    "nf4": ("nf4", 32, 64, 64, False, "f32", torch.uint8),
    "nf4_nested": ("nf4", 96, 96, 32, True, "bf16", torch.uint8),
    "nf4_large_blocks": ("nf4", 24, 96, 256, False, "f16", torch.bfloat16),
    "nf4_odd": ("nf4", 31, 33, 64, True, "f32", torch.uint8),
    "fp4": ("fp4", 32, 64, 128, False, "f32", torch.float32),
    "fp4_nested": ("fp4", 32, 64, 32, True, "f16", torch.float16),
}


def record_bnb4(out, name):
    import bitsandbytes.functional as bnb
    kind, outputs, inputs, block_size, nested, dtype, storage = BNB4[name]
    weight = torch.randn(outputs, inputs).to(DTYPES[dtype])
    codes, state = bnb.quantize_4bit(weight, blocksize=block_size, compress_statistics=nested,
                                     quant_type=kind, quant_storage=storage)
    tensors = {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}
    save(out, name, {"quant_method": "bitsandbytes", "load_in_4bit": True},
         bnb.dequantize_4bit(codes, state).reshape(outputs, inputs), {"weight": codes, **tensors})


def record_int8(out):
    import bitsandbytes.functional as bnb
    codes, absmax, _ = bnb.int8_vectorwise_quant(torch.randn(33, 65).half())
    save(out, "int8", {"quant_method": "bitsandbytes", "load_in_8bit": True},
         bnb.int8_vectorwise_dequant(codes, absmax), {"weight": codes, "SCB": absmax})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path, action="append", default=[])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    auto_gptq = load_file(arguments.packages, "auto_gptq/nn_modules/qlinear/qlinear_cuda.py")
    for number, name in enumerate(GPTQ):
        torch.manual_seed(number)
        record_gptq(arguments.out, name, auto_gptq)
    for bits in (2, 3, 4, 8):
        torch.manual_seed(bits)
        record_gptq_v2(arguments.out, bits)

    # What awq's layers import from the rest of the package.
    for name, attribute, value in (
            ("awq.utils.module", "try_import", lambda _: (None, "")),
            ("awq.utils.utils", "get_best_device", lambda: "cpu")):
        sys.modules[name] = types.ModuleType(name)
        setattr(sys.modules[name], attribute, value)
    awq_packing = load_file(arguments.packages, "awq/utils/packing_utils.py")
    gemv = load_file(arguments.packages, "awq/modules/linear/gemv.py").WQLinear_GEMV
    gemv_fast = load_file(arguments.packages, "awq/modules/linear/gemv_fast.py").WQLinear_GEMVFast
    for group_size in (32, 64, 128):
        torch.manual_seed(group_size)
        record_awq_gemm(arguments.out, group_size, awq_packing)
        record_awq_packed(arguments.out, "gemv", group_size, gemv)
        record_awq_packed(arguments.out, "gemv_fast", group_size, gemv_fast)

    for number, name in enumerate(BNB4):
        torch.manual_seed(number)
        record_bnb4(arguments.out, name)
    torch.manual_seed(0)
    record_int8(arguments.out)


if __name__ == "__main__":
    main()
