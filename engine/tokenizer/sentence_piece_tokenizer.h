#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/sentence_piece_model.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

// The tokenizer of a SentencePiece model without the tokens around a text: `frame`, BOS and EOS are
// the caller's to set. Control tokens are special tokens; `more` are further added tokens, which
// may repeat pieces. INVALID_ARGUMENT starting with `place` if the model contradicts itself or
// its algorithm is not supported.
StatusOr<TokenizerParts> BuildSentencePieceTokenizer(const SentencePieceModel& model,
                                                     std::vector<AddedToken> more,
                                                     const std::string& place);

// Builds what `directory`/tokenizer.model and tokenizer_config.json describe. Returns NOT_FOUND if
// there is no tokenizer.model, INVALID_ARGUMENT naming file and field if it is malformed. Where the
// configuration is silent, BOS comes before a text and nothing behind it, as in transformers' Llama
// classes; for T5 it is EOS behind it.
StatusOr<TokenizerParts> LoadSentencePieceTokenizer(const std::string& directory);

}  // namespace quire::engine
