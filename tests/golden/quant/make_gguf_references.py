#!/usr/bin/env python3
"""Records what the Python package `gguf` makes of random blocks of every GGUF type.

Run: make_gguf_references.py OUT
Needs gguf 0.19 and numpy; the test reads what this wrote and needs neither. OUT/blocks.gguf holds,
for each type, NAME.blocks and NAME.expected, the values in F32.
"""

import argparse
import pathlib

import gguf
import numpy as np

# name -> byte offsets of the f16 numbers in a block
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
}
ROWS, COLUMNS = 5, 256
# Zeros, the smallest and largest numbers, both signs.
EXTREME = np.array([0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF], np.uint16)


def random_halves(random, count):
    """Any finite f16 numbers, half of them extreme."""
    bits = random.integers(0, 1 << 16, count, dtype=np.uint16)
    bits = np.where((bits & 0x7C00) == 0x7C00, bits & 0xBFFF, bits)
    return np.where(random.random(count) < 0.5, random.choice(EXTREME, count), bits)


def random_blocks(random, name, num_blocks):
    """[num_blocks, bytes] of random bits with finite f16 numbers."""
    kind = gguf.GGMLQuantizationType[name]
    _, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (num_blocks, size), dtype=np.uint8)
    for offset in HALVES[name]:
        halves = random_halves(random, num_blocks).astype("<u2")
        blocks[:, offset:offset + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(arguments.out / "blocks.gguf", "none")
    for number, name in enumerate(HALVES):
        kind = gguf.GGMLQuantizationType[name]
        inputs, _ = gguf.GGML_QUANT_SIZES[kind]
        random = np.random.default_rng(number)
        blocks = random_blocks(random, name, ROWS * COLUMNS // inputs).reshape(ROWS, -1)
        expected = gguf.quants.dequantize(blocks, kind)
        assert expected.shape == (ROWS, COLUMNS) and np.isfinite(expected).all()
        writer.add_tensor(f"{name}.blocks", blocks, raw_dtype=kind)
        writer.add_tensor(f"{name}.expected", expected)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
