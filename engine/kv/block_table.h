#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"

namespace quire::engine {

// The blocks of one sequence, in the order of its tokens. Holds one reference to each, which
// Release gives back; the destructor does not, because it does not know the allocator.
//
// Of a model that sees a window of tokens alone, the blocks before the window are given back while
// the sequence runs. They stay in the list as kNoBlock, so that block i always holds the positions
// from i * block_size on.
//
// Thread-compatible.
class BlockTable {
 public:
  // Makes room for `num_tokens` tokens in all. Returns RESOURCE_EXHAUSTED, with no change, if the
  // allocator has too few free blocks.
  Status Grow(std::int64_t num_tokens, BlockAllocator& allocator);

  // Appends blocks that the allocator already counts a reference of for this table, behind
  // `num_absent` that nobody will read. Requires: the table is empty.
  void Adopt(std::int64_t num_absent, std::span<const BlockId> blocks);

  // Gives the blocks back that hold only positions before `position`. They are not read again.
  void ReleaseBefore(std::int64_t position, BlockAllocator& allocator);

  // Gives every block back.
  void Release(BlockAllocator& allocator);

  // Place of the token at `position` in the cache: block * block_size + offset.
  // Requires: the table has room for it and its block is held.
  std::int32_t Slot(std::int64_t position, std::int32_t block_size) const;

  // By position, those given back included.
  std::span<const BlockId> blocks() const { return blocks_; }
  // Those that the table has a reference to: the end of blocks().
  std::span<const BlockId> held() const { return std::span(blocks_).subspan(num_absent_); }

 private:
  std::vector<BlockId> blocks_;  // kNoBlock first
  std::size_t num_absent_ = 0;
};

// The first position that a token at `position` sees; `window` tokens are its own and those before,
// 0: all of them.
constexpr std::int64_t FirstVisible(std::int64_t position, std::int32_t window) {
  return window == 0 ? 0 : std::max<std::int64_t>(position - window + 1, 0);
}

// Blocks that `num_tokens` tokens need.
constexpr std::int64_t NumBlocksFor(std::int64_t num_tokens, std::int32_t block_size) {
  return (num_tokens + block_size - 1) / block_size;
}

}  // namespace quire::engine
