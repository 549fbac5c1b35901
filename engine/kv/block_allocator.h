#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_key.h"

namespace quire::engine {

// A block of the KV cache: `block_size` token slots in every layer.
enum class BlockId : std::int32_t {};
// Stands where there was a block.
inline constexpr BlockId kNoBlock{-1};

// Hands out KV-cache blocks and counts their references, so that sequences with a common prefix
// share blocks. Owns ids only; the memory belongs to KvCache.
//
// A block may have a key. It is then found by it while in use and after, until it is handed out
// again: free blocks without a key go first, then those with one, the longest unused first.
//
// Thread-compatible: the engine thread is the only caller.
class BlockAllocator {
 public:
  // `num_blocks` blocks of `block_size` token slots each, all free. Both must be positive.
  BlockAllocator(std::int32_t num_blocks, std::int32_t block_size);

  // Takes `count` free blocks, each with one reference. All or nothing: RESOURCE_EXHAUSTED, with
  // no change, if fewer are free. They lose their keys.
  StatusOr<std::vector<BlockId>> Allocate(std::int32_t count);

  // Adds a reference to each block, taking those that are free. Requires: every block is in use or
  // has a key.
  void Share(std::span<const BlockId> blocks);

  // Drops a reference from each block; a block without references becomes free. Of a sequence the
  // last block is handed out again first, since the beginning is of more use to others.
  // Requires: every block is in use.
  void Release(std::span<const BlockId> blocks);

  // Gives a block in use its key, now that its slots are filled. No effect if it has one or if
  // another block has this one.
  void SetKey(BlockId block, const BlockKey& key);
  std::optional<BlockId> Find(const BlockKey& key) const;
  // Takes every key away: what the blocks hold is not to be trusted.
  void ForgetKeys();
  // Called with each key whose block is handed out again, before anybody writes to the block.
  void set_on_evicted(std::function<void(const BlockKey& key, BlockId block)> on_evicted) {
    on_evicted_ = std::move(on_evicted);
  }

  bool is_free(BlockId block) const {
    return blocks_[static_cast<std::size_t>(block)].references == 0;
  }
  std::int32_t num_free() const { return static_cast<std::int32_t>(free_.size()); }
  std::int32_t num_blocks() const { return static_cast<std::int32_t>(blocks_.size()); }
  std::int32_t block_size() const { return block_size_; }

 private:
  struct Block {
    std::int32_t references = 0;  // 0: free
    std::optional<BlockKey> key;
    std::list<BlockId>::iterator place;  // in free_ or in used_
  };

  Block& At(BlockId block) { return blocks_[static_cast<std::size_t>(block)]; }
  void Take(Block& block);
  void Evict(BlockId id);
  void Free(Block& block);

  const std::int32_t block_size_;
  std::list<BlockId> free_;  // the next to be handed out in front
  std::list<BlockId> used_;  // in no order; keeps the nodes, so that nothing is allocated
  std::vector<Block> blocks_;
  std::unordered_map<BlockKey, BlockId, BlockKeyHash> by_key_;
  std::function<void(const BlockKey& key, BlockId block)> on_evicted_;
};

}  // namespace quire::engine
