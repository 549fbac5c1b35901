#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/normalizer.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/token_trie.h"
#include "engine/tokenizer/vocabulary.h"

namespace quire::engine {

// A token that is recognized in the text before the model sees it.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool single_word = false;  // only where no word character adjoins
  bool lstrip = false;       // takes the whitespace on its left with it
  bool rstrip = false;       // takes the whitespace on its right with it
  bool normalized = false;   // looked for after normalization, not before
  bool special = false;      // a control token: no text, and none of the user's
};

// Reads `spec` = {"content": ..., ...}; `id` comes from elsewhere.
StatusOr<AddedToken> ParseAddedToken(const JsonField& spec, TokenId id);

// The added tokens of a tokenizer and the search for them.
//
// Thread-safe: immutable.
class AddedTokens {
 public:
  // Decides whether a special token may be recognized at [begin, end) of the searched text.
  using AllowSpecial = std::function<bool(std::size_t begin, std::size_t end)>;
  enum class Stage { kBeforeNormalization, kAfterNormalization };

  AddedTokens() = default;

  // `normalizer` may be null. INVALID_ARGUMENT starting with `place` if an id or content occurs
  // twice, is taken by another token of `vocabulary`, or an id is out of range.
  static StatusOr<AddedTokens> Create(std::vector<AddedToken> tokens, const Vocabulary& vocabulary,
                                      const Normalizer* normalizer, std::string_view place);

  // Cuts `text` into added tokens of `stage`, the longest at each place, and the text between.
  std::vector<PreTokenizedText::Piece> Split(std::string_view text, Stage stage,
                                             const AllowSpecial& allow_special) const;

  const AddedToken* Find(TokenId id) const;
  const AddedToken* Find(std::string_view content) const;
  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // True if a special token is looked for after normalization.
  bool has_normalized_special() const { return has_normalized_special_; }

 private:
  std::vector<AddedToken> tokens_;
  absl::flat_hash_map<TokenId, std::size_t> by_id_;
  absl::flat_hash_map<std::string, std::size_t> by_content_;
  TokenTrie before_normalization_;
  TokenTrie after_normalization_;
  bool has_normalized_special_ = false;
};

}  // namespace quire::engine
