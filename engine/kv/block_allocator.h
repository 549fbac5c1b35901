#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace quire::engine {

// A block of the KV cache: `block_size` token slots in every layer.
enum class BlockId : std::int32_t {};

// Hands out KV-cache blocks and counts their references, so that sequences with a common prefix
// share blocks. Owns ids only; the memory belongs to KvCache.
//
// Thread-compatible: the engine thread is the only caller.
class BlockAllocator {
 public:
  // `num_blocks` blocks of `block_size` token slots each, all free. Both must be positive.
  BlockAllocator(std::int32_t num_blocks, std::int32_t block_size);

  // Takes `count` free blocks, each with one reference. All or nothing: RESOURCE_EXHAUSTED, with
  // no change, if fewer are free.
  StatusOr<std::vector<BlockId>> Allocate(std::int32_t count);

  // Adds a reference to each block. Requires: every block is in use.
  void Share(std::span<const BlockId> blocks);

  // Drops a reference from each block; a block without references becomes free.
  // Requires: every block is in use.
  void Release(std::span<const BlockId> blocks);

  std::int32_t num_free() const { return static_cast<std::int32_t>(free_.size()); }
  std::int32_t num_blocks() const { return static_cast<std::int32_t>(references_.size()); }
  std::int32_t block_size() const { return block_size_; }

 private:
  const std::int32_t block_size_;
  std::vector<BlockId> free_;  // LIFO, so that recently used blocks are reused while cached
  std::vector<std::int32_t> references_;  // by block id; 0 means free
};

}  // namespace quire::engine
