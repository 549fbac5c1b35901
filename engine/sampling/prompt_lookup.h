#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Guesses the tokens that follow from what the sequence repeats: the continuation of the last place
// where its latest three tokens stood before, as often as it repeats. Answers that quote their
// documents repeat a lot. Guesses little where guesses turn out wrong, since each costs a row of
// the step. Source: Saxena 2023, "Prompt Lookup Decoding".
//
// Thread-compatible.
class PromptLookup {
 public:
  // At most `max_tokens` guesses at a time; positive.
  explicit PromptLookup(std::int32_t max_tokens) : max_tokens_(max_tokens) {}

  // Guesses for what follows `tokens`, which are those of the call before and more. Empty if there
  // is nothing to go by.
  std::vector<TokenId> Guess(std::span<const TokenId> tokens);

  // Of the last `num_guessed` guesses that were tried, so many were right.
  void Learn(std::int32_t num_guessed, std::int32_t num_right);

 private:
  std::int32_t max_tokens_;
  std::int32_t size_ = kFirstSize;  // of the next guess
  std::int32_t num_resting_ = 0;    // calls left without a guess
  std::int32_t rest_ = kFirstRest;  // how long the next rest lasts
  std::size_t num_indexed_ = 0;     // tokens whose endings are in ends_
  // Hash of three tokens to the place behind them, the last one.
  std::unordered_map<std::uint64_t, std::size_t> ends_;

  static constexpr std::int32_t kFirstSize = 4;
  static constexpr std::int32_t kFirstRest = 8;
};

}  // namespace quire::engine
