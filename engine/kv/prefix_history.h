#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/kv/block_key.h"

namespace quire::engine {

// Why not more of a prompt was found in the prefix cache.
enum class PrefixMiss {
  kNone,       // every full block of it was found
  kUnseen,     // nothing that begins like it was computed, or it was still being computed
  kDiffers,    // what was computed differs from one token on
  kEvicted,    // it was computed, and its block was handed out again since
  kOtherSalt,  // the same client computed it under another cache salt
  kDisabled,   // the cache is off, or the request wants log-probs of its prompt
};

struct PrefixMissReason {
  PrefixMiss miss = PrefixMiss::kNone;
  std::int32_t differs_at = 0;  // the first token that differs, for kDiffers
};

// Remembers which blocks the prefix cache holds and lately held, to say why a prompt was not found.
// Decides nothing: the cache works without it. Clients learn of their own salts alone, because that
// another one has asked the same is what a salt hides.
//
// Engine thread only.
class PrefixHistory {
 public:
  // Remembers as many evicted blocks and first blocks as the cache has blocks, four times over.
  explicit PrefixHistory(std::int32_t num_blocks);

  // Block `key` holds `tokens` behind the block `parent`, and can be found now.
  void OnPublished(const BlockKey& parent, const BlockKey& key, std::span<const TokenId> tokens);
  // `client` began a prompt with `tokens`, the first block's, under `salt`.
  void OnBegun(const std::string& client, const std::string& salt, std::span<const TokenId> tokens);
  void OnEvicted(const BlockKey& key);
  // The cache holds nothing any more.
  void Clear();

  // Why the block `key` with `tokens`, number `index` of its prompt behind `parent`, was not found.
  PrefixMissReason Explain(const BlockKey& parent, const BlockKey& key, std::int32_t index,
                           std::span<const TokenId> tokens) const;
  // True if `client` began a prompt with `tokens` under another salt last.
  bool HasOtherSalt(const std::string& client, const std::string& salt,
                    std::span<const TokenId> tokens) const;

 private:
  using KeyMap = std::unordered_map<BlockKey, BlockKey, BlockKeyHash>;
  struct Child {
    BlockKey key;
    std::vector<TokenId> tokens;
  };

  const std::size_t max_remembered_;
  std::unordered_map<BlockKey, std::vector<Child>, BlockKeyHash> children_;  // by parent
  KeyMap parents_;                                                           // by block
  std::deque<BlockKey> evicted_;                                             // the oldest in front
  std::unordered_set<BlockKey, BlockKeyHash> is_evicted_;
  std::deque<BlockKey> begun_;  // client and first block, the oldest in front
  KeyMap salts_;                // of begun_
};

}  // namespace quire::engine
