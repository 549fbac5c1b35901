#include "engine/sampling/prompt_lookup.h"

#include <algorithm>

namespace quire::engine {
namespace {

constexpr std::size_t kPattern = 3;
constexpr std::int32_t kMaxRest = 128;

std::uint64_t HashPattern(std::span<const TokenId> pattern) {
  std::uint64_t hash = 0;
  for (const TokenId id : pattern) {
    hash = (hash ^ static_cast<std::uint32_t>(id)) * 0x9e37'79b9'7f4a'7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

// `count` tokens from `begin` on. Beyond the end they repeat themselves: the sequence is taken to
// go round with a period of tokens.size() - begin.
std::vector<TokenId> Continue(std::span<const TokenId> tokens, std::size_t begin,
                              std::size_t count) {
  std::vector<TokenId> guess;
  guess.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = begin + i;
    guess.push_back(index < tokens.size() ? tokens[index] : guess[index - tokens.size()]);
  }
  return guess;
}

}  // namespace

std::vector<TokenId> PromptLookup::Guess(std::span<const TokenId> tokens) {
  // All endings but that of the last token, which is looked up.
  for (std::size_t end = std::max(num_indexed_, kPattern); end < tokens.size(); ++end) {
    ends_[HashPattern(tokens.subspan(end - kPattern, kPattern))] = end;
  }
  num_indexed_ = std::max(num_indexed_, tokens.size());
  if (num_resting_ > 0) {
    --num_resting_;
    return {};
  }
  if (tokens.size() < kPattern) return {};
  const std::span<const TokenId> pattern = tokens.last(kPattern);
  const auto found = ends_.find(HashPattern(pattern));
  if (found == ends_.end()) return {};
  const std::size_t begin = found->second;
  if (!std::ranges::equal(tokens.subspan(begin - kPattern, kPattern), pattern)) return {};
  return Continue(tokens, begin, static_cast<std::size_t>(std::min(size_, max_tokens_)));
}

void PromptLookup::Learn(std::int32_t num_guessed, std::int32_t num_right) {
  if (num_right == num_guessed) {
    size_ = std::min(2 * size_, max_tokens_);
    rest_ = kFirstRest;
  } else if (num_right > 0) {
    size_ = std::max(num_right, 2);
    rest_ = kFirstRest;
  } else {
    size_ = 2;
    num_resting_ = rest_;
    rest_ = std::min(2 * rest_, kMaxRest);
  }
}

}  // namespace quire::engine
