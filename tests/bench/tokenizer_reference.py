#!/usr/bin/env python3
"""Encodes the same texts with our tokenizer and with the PyPI package `tokenizers`, in turns.

tokenizer_reference.py BUILD_FOLDER [ROUNDS]

The vocabularies are those of GPT-2 and BERT in ../shared/data/tokenizers, written as tokenizer.json
for both sides. Prints megabytes per second on one core, medians of the rounds, and the ratio. Token
ids are compared too. Needs the PyPI packages `tokenizers` and `gguf`.
"""

import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import gguf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

DATA = pathlib.Path(__file__).parent / "../../../shared/data"


def metadata(name):
    fields = gguf.GGUFReader(DATA / "tokenizers" / f"ggml-vocab-{name}.gguf").fields
    return lambda key: fields[f"tokenizer.ggml.{key}"].contents()


def gpt2():
    read = metadata("gpt-2")
    vocab = {token: i for i, token in enumerate(read("tokens"))}
    merges = [tuple(merge.split(" ")) for merge in read("merges")]
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def bert():
    word = lambda t: t[1:] if t[0] == "▁" else t if t[0] == "[" and t[-1] == "]" else "##" + t
    vocab = {word(token): i for i, token in enumerate(metadata("bert-bge")("tokens"))}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def unigram():
    return Tokenizer.from_file(str(pathlib.Path(__file__).parent / "../golden/tokenizer/unigram/tokenizer.json"))


def texts():
    yield "novel", (DATA / "documents/moby-dick.txt").read_text(errors="replace")
    articles = json.loads((DATA / "retrieval/xquad/xquad.zh.json").read_text())["data"]
    yield "chinese", "\n".join(p["context"] for article in articles for p in article["paragraphs"])
    # A megabyte without an end of a word, and one of what is no text.
    random.seed(2)
    yield "letters", "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=1 << 20))
    yield "spaces", " " * (1 << 20)
    yield "bytes", random.randbytes(1 << 19).decode(errors="replace")


def measure(tokenizer, text, program, rounds):
    """Seconds of each side, by round, and whether the ids agree in number."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder + "/tokenizer.json")
        pathlib.Path(folder, "text").write_text(text)
        ours = subprocess.Popen([program, folder, folder + "/text"], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        seconds = {"ours": [], "reference": []}
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            seconds["reference"].append(time.perf_counter() - begin)
            ours.stdin.write("\n")
            ours.stdin.flush()
            answer = json.loads(ours.stdout.readline())
            seconds["ours"].append(answer["seconds"])
        ours.stdin.close()
        ours.wait()
        return {side: statistics.median(values[1:]) for side, values in seconds.items()}, answer["tokens"] == len(ids)


def main():
    program = pathlib.Path(sys.argv[1]) / "bench/tokenizer_throughput"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for text_name, text in texts():
        megabytes = len(text.encode()) / 1e6
        for make in (gpt2, bert, unigram):
            seconds, same = measure(make(), text, program, rounds)
            print(f"{text_name:8} {make.__name__:8} ours {megabytes / seconds['ours']:6.1f} MB/s, "
                  f"tokenizers {megabytes / seconds['reference']:6.1f} MB/s, ratio "
                  f"{seconds['reference'] / seconds['ours']:5.1f}{'' if same else '  DIFFERENT IDS'}")


if __name__ == "__main__":
    main()
