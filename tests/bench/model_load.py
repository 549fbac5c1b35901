#!/usr/bin/env python3
"""How long a model takes to load, against the time it takes to read its file.

Writes random checkpoints of TinyLlama-1.1B's shape, then by turns reads the weights from beginning to
end and lets `quire generate` give one token, with the page cache emptied before each (root alone) and
with the file in it. Random weights cannot be compressed and leave no holes.

  bf16   weights used where the file is mapped
  gptq   4 bits in groups of 128, repacked while loading
  nf4    the bf16 file, quantized while loading

Usage: tests/bench/model_load.py BIN_DIR TOKENIZER_DIR [ROUNDS] [--only FORMAT...]
TOKENIZER_DIR has tokenizer.json (../shared/data/models/stories260k). Takes 3 GB in TMPDIR.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, VOCABULARY = 2048, 5632, 22, 32, 4, 32000
GROUP = 128
READ_BYTES = 16 << 20
HEADER_BYTES = 1 << 18
RANDOM = np.random.default_rng(1)

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
    "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS, "vocab_size": VOCABULARY, "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "bos_token_id": 1,
    "eos_token_id": 2, "torch_dtype": "bfloat16",
}


def linears():
    """Name, outputs and inputs of every linear layer inside of the decoder layers."""
    kv = HIDDEN // HEADS * KV_HEADS
    for i in range(LAYERS):
        for name, out, inputs in (("self_attn.q", HIDDEN, HIDDEN), ("self_attn.k", kv, HIDDEN),
                                  ("self_attn.v", kv, HIDDEN), ("self_attn.o", HIDDEN, HIDDEN),
                                  ("mlp.gate", INNER, HIDDEN), ("mlp.up", INNER, HIDDEN),
                                  ("mlp.down", HIDDEN, INNER)):
            yield f"model.layers.{i}.{name}_proj", out, inputs


def bf16(*shape):
    values = RANDOM.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
    return "BF16", (values.view(np.uint32) >> 16).astype(np.uint16)


def plain_parts():
    """What all formats leave as it is."""
    yield "model.embed_tokens.weight", *bf16(VOCABULARY, HIDDEN)
    yield "lm_head.weight", *bf16(VOCABULARY, HIDDEN)
    norms = [f"model.layers.{i}.{part}_layernorm" for i in range(LAYERS)
             for part in ("input", "post_attention")]
    for name in [*norms, "model.norm"]:
        yield f"{name}.weight", "BF16", np.full(HIDDEN, 0x3F80, np.uint16)


def bf16_tensors():
    yield from plain_parts()
    for name, out, inputs in linears():
        yield f"{name}.weight", *bf16(out, inputs)


def gptq_tensors():
    yield from plain_parts()
    for name, out, inputs in linears():
        words = RANDOM.integers(0, 1 << 32, (inputs // 8, out), np.uint32)
        zeros = np.full((inputs // GROUP, out // 8), 0x77777777, np.uint32)
        scales = RANDOM.uniform(0.002, 0.004, (inputs // GROUP, out)).astype(np.float16)
        yield f"{name}.qweight", "I32", words
        yield f"{name}.qzeros", "I32", zeros
        yield f"{name}.scales", "F16", scales.view(np.uint16)
        yield f"{name}.g_idx", "I32", (np.arange(inputs) // GROUP).astype(np.uint32)


def write_safetensors(folder, tensors, tokenizer, extra):
    """The header is known when all contents are written: room is left for it, ended by spaces."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **extra}))
    header, position = {}, 0
    with open(folder / "model.safetensors", "wb") as file:
        file.seek(8 + HEADER_BYTES)
        for name, dtype, array in tensors:
            header[name] = {"dtype": dtype, "shape": list(array.shape),
                            "data_offsets": [position, position + array.nbytes]}
            array.tofile(file)
            position += array.nbytes
        file.seek(0)
        file.write(HEADER_BYTES.to_bytes(8, "little") + json.dumps(header).encode().ljust(HEADER_BYTES))
    return folder, folder / "model.safetensors"


def empty_page_cache():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("1\n")


def seconds(work):
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def read_whole(path):
    buffer = bytearray(READ_BYTES)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def measure(label, quire, model, weights, rounds, extra):
    command = [quire, "generate", "--model", model, "--prompt-ids", "1,2,3", "--max-tokens", "1",
               *extra]
    times = {}
    for cold in (True, False):
        for _ in range(rounds):
            for name, work in (("read", lambda: read_whole(weights)),
                               ("load", lambda: subprocess.run(command, check=True,
                                                               stdout=subprocess.DEVNULL))):
                if cold:
                    empty_page_cache()
                times.setdefault((cold, name), []).append(seconds(work))
    size = weights.stat().st_size
    medians = {key: statistics.median(values) for key, values in times.items()}
    print(f"{label:6} {size / 1e9:5.2f} GB  "
          f"cold: read {medians[True, 'read']:5.2f} s, first token {medians[True, 'load']:5.2f} s;  "
          f"in the cache: read {medians[False, 'read']:5.2f} s, "
          f"first token {medians[False, 'load']:5.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--only", nargs="+", default=["bf16", "nf4", "gptq"])
    arguments = parser.parse_args()
    quire = arguments.bin_dir / "quire"
    with tempfile.TemporaryDirectory(prefix="quire-load-") as folder:
        folder = pathlib.Path(folder)
        run = lambda label, files, extra=(): measure(label, quire, *files, arguments.rounds, extra)
        if {"bf16", "nf4"} & set(arguments.only):
            files = write_safetensors(folder / "bf16", bf16_tensors(), arguments.tokenizer, {})
            if "bf16" in arguments.only:
                run("bf16", files)
            if "nf4" in arguments.only:
                run("nf4", files, ("--quantize", "nf4"))
            shutil.rmtree(folder / "bf16")
        if "gptq" in arguments.only:
            quantization = {"quantization_config": {
                "quant_method": "gptq", "bits": 4, "group_size": GROUP, "sym": True,
                "desc_act": False}}
            run("gptq", write_safetensors(folder / "gptq", gptq_tensors(), arguments.tokenizer,
                                          quantization))


if __name__ == "__main__":
    sys.exit(main())
