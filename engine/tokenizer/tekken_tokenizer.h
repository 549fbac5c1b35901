#pragma once

#include <string>

#include "base/status.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

// Reads `directory`/tekken.json, in which Mistral's byte-level models come: an expression that cuts
// the text, the bytes of each token by rank, and control tokens, whose ids come first. Two
// neighbours merge if their bytes are a token, the one of the lowest rank first.
// Source: mistral-common, tekken.py; tiktoken, lib.rs.
//
// Returns NOT_FOUND if there is no such file, INVALID_ARGUMENT naming file and field if it is
// malformed.
StatusOr<TokenizerParts> LoadTekkenTokenizer(const std::string& directory);

}  // namespace quire::engine
