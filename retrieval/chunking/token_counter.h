#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::retrieval {

// Counts the tokens of each text by the embedding model's tokenizer, special tokens not counted;
// one count per text, in order. Called with at most kMaxCountedTexts texts of kMaxCountedBytes in
// all (or a single longer one).
using TokenCounter =
    std::function<StatusOr<std::vector<std::int32_t>>(std::span<const std::string_view> texts)>;

// Stands for a count that is still to come.
inline constexpr std::int32_t kNotCounted = -1;

inline constexpr std::size_t kMaxCountedTexts = 16'384;
inline constexpr std::size_t kMaxCountedBytes = std::size_t{1} << 20;

// Collects texts and counts them in calls of the size above, so that a document of any length
// needs little memory for it. Use: Add each text with where its count goes, then Flush.
class BatchedTokenCounter {
 public:
  // Borrows `counter`.
  explicit BatchedTokenCounter(const TokenCounter& counter) : counter_(counter) {}

  // `text` and `count` must live until the count is written, by a later Add or by Flush.
  Status Add(std::string_view text, std::int32_t& count);
  // Counts what is left. Returns INTERNAL if the counter gives too few counts or negative ones.
  Status Flush();

 private:
  const TokenCounter& counter_;
  std::vector<std::string_view> texts_;
  std::vector<std::int32_t*> counts_;
  std::size_t bytes_ = 0;
};

}  // namespace quire::retrieval
