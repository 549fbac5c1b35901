#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Which tokens one sequence has seen, and how often its output holds each: what penalties need.
// A token costs a look-up when it is added, a step the distinct tokens, never the whole history.
//
// Thread-compatible.
class TokenCounts {
 public:
  struct Entry {
    TokenId id = 0;
    std::int32_t num_in_output = 0;  // 0: of the prompt alone
  };

  void AddPrompt(std::span<const TokenId> ids);
  void AddOutput(TokenId id) { ++EntryOf(id).num_in_output; }

  // The place of a token in entries(); nothing if it was not seen.
  std::optional<std::size_t> Find(TokenId id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? std::optional<std::size_t>() : found->second;
  }

  // One per distinct token, in the order of their first occurrence.
  std::span<const Entry> entries() const { return entries_; }

 private:
  Entry& EntryOf(TokenId id);

  std::vector<Entry> entries_;
  absl::flat_hash_map<TokenId, std::size_t> index_;  // into entries_
};

}  // namespace quire::engine
