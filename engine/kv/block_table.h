#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"

namespace quire::engine {

// The blocks of one sequence, in the order of its tokens. Holds one reference to each, which
// Release gives back; the destructor does not, because it does not know the allocator.
//
// Thread-compatible.
class BlockTable {
 public:
  // Makes room for `num_tokens` tokens in all. Returns RESOURCE_EXHAUSTED, with no change, if the
  // allocator has too few free blocks.
  Status Grow(std::int64_t num_tokens, BlockAllocator& allocator);

  // Appends blocks that the allocator already counts a reference of for this table.
  void Adopt(std::span<const BlockId> blocks);

  // Gives every block back.
  void Release(BlockAllocator& allocator);

  // Place of the token at `position` in the cache: block * block_size + offset.
  // Requires: the table has room for it.
  std::int32_t Slot(std::int64_t position, std::int32_t block_size) const;

  std::span<const BlockId> blocks() const { return blocks_; }

 private:
  std::vector<BlockId> blocks_;
};

// Blocks that `num_tokens` tokens need.
constexpr std::int64_t NumBlocksFor(std::int64_t num_tokens, std::int32_t block_size) {
  return (num_tokens + block_size - 1) / block_size;
}

}  // namespace quire::engine
