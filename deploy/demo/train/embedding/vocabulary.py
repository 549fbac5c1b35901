"""A smaller WordPiece vocabulary out of the teacher's, by how often the text uses its tokens.

A word whose token goes is split into pieces that stay, so nothing becomes unknown: single
characters and their continuations of the scripts that stay are all kept.
"""

import json

import numpy
import tokenizers


def is_kept_always(token):
    """Single ASCII characters and their continuations: every ASCII word can be spelled."""
    bare = token.removeprefix("##")
    return len(bare) == 1 and bare.isascii()


def is_candidate(token):
    return not (token.startswith("[") and token.endswith("]") and len(token) > 2)


def tokenize(tokenizer, texts):
    """(ids of all texts behind one another, where each text begins and the last one ends)."""
    parts, lengths = [], []
    for begin in range(0, len(texts), 4096):
        for encoding in tokenizer.encode_batch_fast(texts[begin:begin + 4096], add_special_tokens=False):
            parts.append(numpy.array(encoding.ids, numpy.int32))
            lengths.append(len(encoding.ids))
    return numpy.concatenate(parts), numpy.concatenate([[0], numpy.cumsum(lengths)])


def plain_tokenizer(definition):
    """A tokenizer of this tokenizer.json without special tokens, truncation and padding."""
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(definition))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def prune(definition, texts, size):
    """A tokenizer.json of `size` tokens: [UNK], what is kept always, then the most frequent."""
    vocabulary = definition["model"]["vocab"]
    ids, _ = tokenize(plain_tokenizer(definition), texts)
    counts = numpy.bincount(ids, minlength=len(vocabulary))
    candidates = [token for token in vocabulary if is_candidate(token)]
    candidates.sort(key=lambda token: (not is_kept_always(token), -counts[vocabulary[token]],
                                       vocabulary[token]))
    kept = ["[UNK]"] + candidates[:size - 1]
    pruned = {**definition, "truncation": None, "padding": None, "post_processor": None}
    pruned["added_tokens"] = [{**token, "id": 0} for token in definition["added_tokens"]
                              if token["content"] == "[UNK]"]
    pruned["model"] = {**definition["model"], "vocab": {token: i for i, token in enumerate(kept)}}
    return pruned
