#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer_pipeline.h"

namespace quire::engine {

// tokenizer_config.json: what transformers adds to a tokenizer's own file. Absent in some models.
//
// Thread-safe: immutable.
class TokenizerConfig {
 public:
  // Reads `directory`/tokenizer_config.json; without one, every field is absent. INVALID_ARGUMENT
  // if it is no JSON.
  static StatusOr<TokenizerConfig> Load(const std::string& directory);

  // Appends the tokens of "added_tokens_decoder" whose ids and texts are not among `tokens` yet.
  Status AppendAddedTokens(std::vector<AddedToken>& tokens) const;

  // The id of the token that the field `name` ("bos_token") gives by its text; nothing if the field
  // or the token is absent.
  StatusOr<std::optional<TokenId>> FindNamedToken(std::string_view name,
                                                  const AddedTokens& added_tokens,
                                                  const Vocabulary& vocabulary) const;

  // The tokens around a text. transformers' Llama-style tokenizers put BOS and EOS as this file
  // says, whatever the tokenizer's own file does; others keep `frame`.
  StatusOr<SpecialTokenFrame> ApplyTo(SpecialTokenFrame frame, std::optional<TokenId> bos,
                                      std::optional<TokenId> eos) const;

  // The text of a field, or `fallback`.
  StatusOr<std::string> StringOr(std::string_view name, std::string_view fallback) const;
  StatusOr<bool> BoolOr(std::string_view name, bool fallback) const;
  bool has(std::string_view name) const { return root().Find(name).has_value(); }

 private:
  TokenizerConfig(nlohmann::json json, std::string path)
      : json_(std::move(json)), path_(std::move(path)) {}
  JsonField root() const { return {json_, path_}; }

  nlohmann::json json_;
  std::string path_;  // ends in a colon
};

}  // namespace quire::engine
