#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// A vocabulary of whole words: a piece is a token, or unknown.
class WordLevelModel final : public SubwordModel {
 public:
  struct Options {
    std::string unknown_token = "<unk>";
    // By id; ids beyond the end are not special. Ordinary text never becomes a special token of
    // more than one character.
    std::vector<bool> is_special = {};
  };

  // `vocabulary` must outlive the model. Without the unknown token in it, unknown words are
  // dropped.
  WordLevelModel(const Vocabulary& vocabulary, Options options)
      : vocabulary_(vocabulary),
        options_(std::move(options)),
        unknown_id_(vocabulary.Find(options_.unknown_token)) {}

  void Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const override;

 private:
  const Vocabulary& vocabulary_;
  const Options options_;
  const std::optional<TokenId> unknown_id_;
};

}  // namespace quire::engine
