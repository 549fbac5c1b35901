#pragma once

#include <string>

#include "base/status.h"
#include "engine/formats/gguf_metadata.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

// Builds the tokenizer that the "tokenizer.*" keys of a GGUF file describe: "llama" and "t5"
// (SentencePiece), "gpt2" (byte-level BPE, cut as "tokenizer.ggml.pre" says) and "bert"
// (WordPiece). Encodes as the Hugging Face tokenizer that the file was made from. Returns NOT_FOUND
// if the file holds no tokenizer, INVALID_ARGUMENT naming file and key if one is malformed or its
// kind is not supported.
StatusOr<TokenizerParts> BuildGgufTokenizer(const GgufMetadata& metadata);

}  // namespace quire::engine
