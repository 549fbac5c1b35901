#include "engine/kv/prefix_history.h"

#include <algorithm>

namespace quire::engine {
namespace {

// Continuations of one block that are compared with a prompt, the latest first.
constexpr std::size_t kMaxCompared = 64;

std::size_t CommonPrefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

PrefixHistory::PrefixHistory(std::int32_t num_blocks)
    : max_remembered_(4 * static_cast<std::size_t>(num_blocks)) {}

void PrefixHistory::OnPublished(const BlockKey& parent, const BlockKey& key,
                                std::span<const TokenId> tokens) {
  is_evicted_.erase(key);
  if (!parents_.emplace(key, parent).second) return;
  children_[parent].push_back({.key = key, .tokens = {tokens.begin(), tokens.end()}});
}

void PrefixHistory::OnBegun(const std::string& client, const std::string& salt,
                            std::span<const TokenId> tokens) {
  const BlockKey key = NextBlockKey(RootBlockKey(client), tokens);
  if (salts_.insert_or_assign(key, RootBlockKey(salt)).second) begun_.push_back(key);
  if (begun_.size() <= max_remembered_) return;
  salts_.erase(begun_.front());
  begun_.pop_front();
}

void PrefixHistory::OnEvicted(const BlockKey& key) {
  const auto parent = parents_.find(key);
  if (parent == parents_.end()) return;
  const auto siblings = children_.find(parent->second);
  std::erase_if(siblings->second, [&](const Child& child) { return child.key == key; });
  if (siblings->second.empty()) children_.erase(siblings);
  parents_.erase(parent);
  if (is_evicted_.insert(key).second) evicted_.push_back(key);
  if (evicted_.size() <= max_remembered_) return;
  is_evicted_.erase(evicted_.front());
  evicted_.pop_front();
}

void PrefixHistory::Clear() {
  children_.clear();
  parents_.clear();
}

PrefixMissReason PrefixHistory::Explain(const BlockKey& parent, const BlockKey& key,
                                        std::int32_t index, std::span<const TokenId> tokens) const {
  if (is_evicted_.contains(key)) return {.miss = PrefixMiss::kEvicted};
  const auto found = children_.find(parent);
  if (found == children_.end()) return {.miss = PrefixMiss::kUnseen};
  const std::vector<Child>& children = found->second;
  std::size_t longest = 0;
  const std::size_t num_compared = std::min(children.size(), kMaxCompared);
  for (std::size_t i = 0; i < num_compared; ++i) {
    longest = std::max(longest, CommonPrefix(children[children.size() - 1 - i].tokens, tokens));
  }
  // Something begins differently: to this prompt that is nothing.
  if (index == 0 && longest == 0) return {.miss = PrefixMiss::kUnseen};
  const auto block_size = static_cast<std::int32_t>(tokens.size());
  return {.miss = PrefixMiss::kDiffers,
          .differs_at = index * block_size + static_cast<std::int32_t>(longest)};
}

bool PrefixHistory::HasOtherSalt(const std::string& client, const std::string& salt,
                                 std::span<const TokenId> tokens) const {
  const auto found = salts_.find(NextBlockKey(RootBlockKey(client), tokens));
  return found != salts_.end() && found->second != RootBlockKey(salt);
}

}  // namespace quire::engine
