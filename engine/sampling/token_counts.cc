#include "engine/sampling/token_counts.h"

namespace quire::engine {

void TokenCounts::AddPrompt(std::span<const TokenId> ids) {
  for (const TokenId id : ids) EntryOf(id);
}

TokenCounts::Entry& TokenCounts::EntryOf(TokenId id) {
  const auto [found, is_new] = index_.try_emplace(id, entries_.size());
  if (is_new) entries_.push_back({.id = id, .num_in_output = 0});
  return entries_[found->second];
}

}  // namespace quire::engine
