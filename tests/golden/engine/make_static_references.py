#!/usr/bin/env python3
"""Records what sentence-transformers and model2vec compute for tiny static embedding models.

Run: make_static_references.py OUT
Needs sentence-transformers, model2vec and their packages; the tests read what it wrote and need none
of them. Each model folder is what the library's own save wrote, less what we do not read, plus
expected.json: texts and their vectors.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import model2vec
import numpy
import sentence_transformers
import tokenizers
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

DIMENSION = 16
WORDS = ("the a of and to in is on buoy sensor battery replace every two years how often must be price "
         "report annual revenue holiday days may carry over water level alarm").split()
TEXTS = [
    "How often must the battery be replaced?",
    "The annual report: revenue, price and water level.",
    "Zürich: naïve café 2,500 €",  # what is not in the vocabulary is unknown
    "漢字 and the 漢字",
    "a",
    "the the the buoy",
    "",
    " ".join(["Every two years the alarm of the water sensor must be on."] * 20),
]


def tokenizer():
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", *letters, *("##" + letter for letter in letters), *".,:?", *WORDS[1:],
              "##s", "##d"]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[PAD]", "[UNK]"])
    return made


def write_expected(folder, vectors):
    rows = [[float(value) for value in numpy.asarray(vector, numpy.float64)] for vector in vectors]
    expected = [{"text": text, "vector": row} for text, row in zip(TEXTS, rows)]
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=0) + "\n")


def keep(source, folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, folder / name)


def sentence_transformers_model(out, random, dtype, modules):
    """A model as SentenceTransformer.save writes it."""
    made = tokenizer()
    table = random.standard_normal((made.get_vocab_size(), DIMENSION)).astype(dtype)
    model = sentence_transformers.SentenceTransformer(
        modules=[StaticEmbedding(made, embedding_weights=table), *modules], device="cpu")
    with tempfile.TemporaryDirectory() as scratch:
        model.save(scratch)
        scratch = pathlib.Path(scratch)
        keep(scratch, out, ["modules.json", "tokenizer.json", "model.safetensors"])
        write_expected(out, sentence_transformers.SentenceTransformer(str(scratch), device="cpu")
                       .float().encode(TEXTS))


def older_layout(out):
    """The same model where releases before 5 put it: in a folder of the module's own."""
    modules = json.loads((out / "modules.json").read_text())
    modules[0]["path"] = "0_StaticEmbedding"
    (out / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (out / "0_StaticEmbedding").mkdir(exist_ok=True)
    for name in ("tokenizer.json", "model.safetensors"):
        (out / name).rename(out / "0_StaticEmbedding" / name)


def model2vec_model(out, random):
    """int8 rows that several tokens share, and a weight per token."""
    made = tokenizer()
    size = made.get_vocab_size()
    rows = random.integers(-127, 128, (size // 2, DIMENSION)).astype(numpy.int8)
    model = model2vec.StaticModel(
        vectors=rows, tokenizer=made, config={"normalize": False, "seq_length": 1000000},
        weights=random.uniform(0.1, 2.0, size), token_mapping=random.integers(0, size // 2, size))
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch)
        scratch = pathlib.Path(scratch)
        config = json.loads((scratch / "config.json").read_text())
        config |= {"architectures": ["StaticModel"], "model_type": "model2vec"}  # as distill writes
        (scratch / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        keep(scratch, out, ["config.json", "modules.json", "tokenizer.json", "model.safetensors"])
        loaded = model2vec.StaticModel.from_pretrained(str(scratch))
        write_expected(out, loaded.encode(TEXTS, max_length=None))  # its limit is in characters


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    for name in ("static", "static_f16", "model2vec"):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
    random = numpy.random.default_rng(7)
    sentence_transformers_model(out / "static", random, numpy.float32, [])
    sentence_transformers_model(out / "static_f16", random, numpy.float16, [Normalize()])
    older_layout(out / "static_f16")
    model2vec_model(out / "model2vec", random)


if __name__ == "__main__":
    main()
