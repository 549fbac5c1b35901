#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

// Builds what `directory`/tokenizer.json and tokenizer_config.json describe. Returns NOT_FOUND if
// there is no tokenizer.json, INVALID_ARGUMENT naming file and field if it is malformed or uses a
// component that is not supported.
StatusOr<TokenizerParts> LoadHuggingFaceTokenizer(const std::string& directory);

// Fills in what decoding gives, as tokenizer.json's "decoder" says. Vocabulary and added tokens
// must be there.
Status SetDecoder(const std::optional<JsonField>& spec, TokenizerParts& parts);

}  // namespace quire::engine
