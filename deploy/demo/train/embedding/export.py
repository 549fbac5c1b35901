"""Writes a student as a GGUF file of the architecture "bert", as llama.cpp's converter names things."""

import gguf
import numpy

EMBEDDING_NAMES = {"word_embeddings": "token_embd", "position_embeddings": "position_embd",
                   "token_type_embeddings": "token_types", "LayerNorm": "token_embd_norm"}
LAYER_NAMES = {"attention.self.query": "attn_q", "attention.self.key": "attn_k",
               "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
               "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
               "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
STORED = {"embeddings.position_embeddings.weight": numpy.float16}  # the others: f32
NORMAL, CONTROL = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL


def tensor_name(name):
    """The format's name of a tensor of the checkpoint."""
    name, _, kind = name.rpartition(".")
    if name.startswith("embeddings."):
        return f"{EMBEDDING_NAMES[name.removeprefix('embeddings.')]}.{kind}"
    layer, _, rest = name.removeprefix("encoder.layer.").partition(".")
    return f"blk.{layer}.{LAYER_NAMES[rest]}.{kind}"


def token_text(token, is_special):
    """The format marks the beginning of a word, WordPiece its continuation."""
    if is_special:
        return token
    return token.removeprefix("##") if token.startswith("##") else "\u2581" + token


def add_tokenizer(writer, definition):
    vocabulary = definition["model"]["vocab"]
    special = {token["content"] for token in definition["added_tokens"]}
    writer.add_tokenizer_model("bert")
    writer.add_token_list([token_text(token, token in special) for token in vocabulary])
    writer.add_token_types([CONTROL if token in special else NORMAL for token in vocabulary])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(vocabulary["[CLS]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_pad_token_id(vocabulary["[PAD]"])
    writer.add_mask_token_id(vocabulary["[MASK]"])


def write_model(path, weights, blocks, shape, definition, name):
    """`blocks`: name -> iq4_nl.Blocks of the tensors that go into such."""
    words, positions = (weights[f"embeddings.{kind}_embeddings.weight"]
                        for kind in ("word", "position"))
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_block_count(shape.num_layers)
    writer.add_context_length(positions.shape[0])
    writer.add_embedding_length(words.shape[1])
    writer.add_feed_forward_length(weights["encoder.layer.0.intermediate.dense.weight"].shape[0])
    writer.add_head_count(shape.num_heads)
    writer.add_layer_norm_eps(shape.norm_epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_IQ4_NL)
    add_tokenizer(writer, definition)
    for name, value in weights.items():
        if name in blocks:
            writer.add_tensor(tensor_name(name), blocks[name].packed(),
                              raw_dtype=gguf.GGMLQuantizationType.IQ4_NL)
        else:
            writer.add_tensor(tensor_name(name), value.numpy().astype(STORED.get(name, numpy.float32)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
