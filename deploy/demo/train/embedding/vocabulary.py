"""A smaller WordPiece vocabulary out of the teacher's, by how often the text uses its tokens.

A word whose token goes is split into pieces that stay, so nothing becomes unknown: single
characters and their continuations of the scripts that stay are all kept.
"""

import copy
import json

import numpy
import tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def is_kept_always(token):
    """Single ASCII characters and their continuations: every ASCII word can be spelled."""
    bare = token.removeprefix("##")
    return len(bare) == 1 and bare.isascii()


def is_candidate(token):
    return not (token.startswith("[") and token.endswith("]") and len(token) > 2)


def token_counts(tokenizer, texts):
    counts = numpy.zeros(tokenizer.get_vocab_size(), numpy.int64)
    for begin in range(0, len(texts), 4096):
        for encoding in tokenizer.encode_batch_fast(texts[begin:begin + 4096], add_special_tokens=False):
            numpy.add.at(counts, encoding.ids, 1)
    return counts


def prune(definition, texts, size):
    """A tokenizer.json of `size` tokens: the special ones, what is kept always, the most frequent."""
    vocabulary = definition["model"]["vocab"]
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(definition))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = token_counts(tokenizer, texts)
    candidates = [token for token in vocabulary if is_candidate(token)]
    candidates.sort(key=lambda token: (not is_kept_always(token), -counts[vocabulary[token]],
                                       vocabulary[token]))
    kept = {token: i for i, token in enumerate((SPECIAL + candidates)[:size])}
    pruned = copy.deepcopy(definition)
    pruned["padding"] = None
    pruned["model"]["vocab"] = kept
    for token in pruned["added_tokens"]:
        token["id"] = kept[token["content"]]
    for special in pruned["post_processor"]["special_tokens"].values():
        special["ids"] = [kept[token] for token in special["tokens"]]
    return pruned
