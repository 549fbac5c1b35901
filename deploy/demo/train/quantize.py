#!/usr/bin/env python3
"""Stores a bf16 checkpoint as NF4 (bitsandbytes layout): linear layers in NF4, the rest in bf16.

Usage: quantize.py CHECKPOINT OUT
"""

import json
import pathlib
import shutil
import sys

import nf4
import weights


def main() -> None:
    source, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, tensor in weights.load_tensors(source).items():
        tensors |= nf4.to_tensors(name, tensor) if nf4.is_quantized(name) else {name: tensor}
    weights.save_tensors(out, tensors)
    config = json.loads((source / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "bitsandbytes",
        "load_in_4bit": True,
        "load_in_8bit": False,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": False,
        "bnb_4bit_compute_dtype": "bfloat16",
        "bnb_4bit_quant_storage": "uint8"
    }
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, out / name)
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
