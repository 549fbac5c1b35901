"""Checkpoints: Hugging Face directories, written and read without any package but PyTorch.

config.json, model.safetensors (or shards with an index) and the tokenizer's files.
"""

import json
import pathlib
import shutil

import torch

from model import Llama, ModelConfig

SHARD_BYTES = 16 * 1024 * 1024 - 4096
TYPES = {"BF16": torch.bfloat16, "F32": torch.float32, "U8": torch.uint8, "I8": torch.int8}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def save_safetensors(path: pathlib.Path, tensors: dict[str, torch.Tensor]) -> None:
    """Writes one file; the tensors in the order given."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)]
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def load_safetensors(path: pathlib.Path) -> dict[str, torch.Tensor]:
    """Reads one file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = bytearray(data[8 + size:])
    out = {}
    for name, spec in header.items():
        start, end = spec["data_offsets"]
        out[name] = torch.frombuffer(body[start:end], dtype=torch.uint8).view(
            TYPES[spec["dtype"]]).view(spec["shape"])
    return out


def save_tensors(folder: pathlib.Path, tensors: dict[str, torch.Tensor]) -> None:
    """model.safetensors, or shards of at most SHARD_BYTES with an index."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    used = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if shards[-1] and used + size > SHARD_BYTES:
            shards.append({})
            used = 0
        shards[-1][name] = tensor
        used += size
    for stale in folder.glob("model*.safetensors*"):
        stale.unlink()
    if len(shards) == 1:
        save_safetensors(folder / "model.safetensors", shards[0])
        return
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_safetensors(folder / file, shard)
        weight_map |= dict.fromkeys(shard, file)
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def load_tensors(folder: pathlib.Path) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint."""
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return load_safetensors(folder / "model.safetensors")
    files = dict.fromkeys(json.loads(index.read_text())["weight_map"].values())
    return {
        name: tensor for file in files for name, tensor in load_safetensors(folder / file).items()
    }


def to_hugging_face(config: ModelConfig, bos: int, eos: int, pad: int) -> dict:
    """config.json of LlamaForCausalLM."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab,
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.intermediate,
        "max_position_embeddings": config.context,
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.norm_epsilon,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": bos,
        "eos_token_id": eos,
        "pad_token_id": pad
    }


def from_hugging_face(config: dict) -> ModelConfig:
    """The shape that a config.json tells."""
    return ModelConfig(config["vocab_size"], config["hidden_size"], config["num_hidden_layers"],
                       config["num_attention_heads"], config["num_key_value_heads"],
                       config["intermediate_size"], config["max_position_embeddings"],
                       config["head_dim"], config["rope_theta"], config["rms_norm_eps"])


def save(folder: pathlib.Path, model: Llama, tokenizer: pathlib.Path) -> None:
    """Writes `model` in bf16 as a checkpoint with the tokenizer of that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (tokenizer / name).resolve() != (folder / name).resolve():
            shutil.copyfile(tokenizer / name, folder / name)
    spec = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    ids = {token["content"]: token["id"] for token in spec["added_tokens"]}
    config = to_hugging_face(model.config, ids["<|begin|>"], ids["<|end|>"], ids["<|pad|>"])
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    generation = {
        "bos_token_id": ids["<|begin|>"],
        "eos_token_id": ids["<|end|>"],
        "pad_token_id": ids["<|pad|>"],
        "do_sample": False
    }
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")
    save_tensors(folder, {name: tensor.bfloat16() for name, tensor in model.state_dict().items()})


def load(folder: pathlib.Path) -> Llama:
    """Reads a checkpoint, bf16 or NF4, into a bf16 model on the CPU."""
    from nf4 import dequantized

    model = Llama(from_hugging_face(json.loads((folder / "config.json").read_text()))).bfloat16()
    model.load_state_dict({n: t.bfloat16() for n, t in dequantized(load_tensors(folder)).items()})
    return model
