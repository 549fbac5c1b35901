#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/piece_trie.h"
#include "engine/tokenizer/subword_model.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// WordPiece: takes the longest token that begins the word, then the longest that continues it, and
// so on. A word that cannot be covered, or is too long, becomes one unknown token.
// Source: Schuster and Nakajima 2012, "Japanese and Korean Voice Search", as BERT applies it.
class WordPieceModel final : public SubwordModel {
 public:
  struct Options {
    std::string unknown_token = "[UNK]";
    std::string continuing_subword_prefix = "##";
    std::int64_t max_input_chars_per_word = 100;
    // By id; ids beyond the end are not special. Ordinary text never becomes a special token of
    // more than one character.
    std::vector<bool> is_special = {};
  };

  // INVALID_ARGUMENT starting with `place` if the vocabulary lacks the unknown token.
  static StatusOr<std::unique_ptr<WordPieceModel>> Create(const Vocabulary& vocabulary,
                                                          const Options& options,
                                                          std::string_view place);

  void Tokenize(std::string_view piece, std::vector<SubwordToken>& tokens) const override;

 private:
  WordPieceModel() = default;

  // Appends the tokens; false if the word cannot be covered.
  bool Cover(std::string_view word, std::vector<SubwordToken>& tokens) const;

  TokenId unknown_id_ = 0;
  std::size_t max_chars_ = 0;
  PieceTrie first_;       // tokens that begin a word
  PieceTrie continuing_;  // tokens that continue one, without their prefix
};

}  // namespace quire::engine
