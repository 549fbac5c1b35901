"""Writes a student as a model directory in the layout of sentence-transformers."""

import json

import numpy
from safetensors.numpy import save_file

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"},
    {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
]
# The longest text that the model was tried on; also the teacher's limit, so that documents are cut
# into the same chunks for both.
MAX_TOKENS = 256


def scaled(table):
    """Scaled to a largest element of 8: lengths mean nothing, and f16 has no small numbers to lose."""
    return table * (8.0 / numpy.abs(table).max())


def write_json(path, value, **format):
    path.write_text(json.dumps(value, ensure_ascii=False, **format) + "\n", encoding="utf-8")


def write_model(folder, table, tokenizer):
    """`table`: [vocabulary, dimension] floats; `tokenizer`: the tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embedding.weight": scaled(table).astype(numpy.float16)}, folder / "model.safetensors",
              metadata={"format": "pt"})
    write_json(folder / "tokenizer.json", tokenizer, separators=(",", ":"))
    write_json(folder / "modules.json", MODULES, indent=2)
    write_json(folder / "config_sentence_transformers.json",
               {"model_type": "SentenceTransformer", "prompts": {}, "default_prompt_name": None,
                "similarity_fn_name": "cosine"}, indent=2)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": MAX_TOKENS}, indent=2)
