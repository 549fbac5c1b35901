#include "engine/kv/block_table.h"

#include "base/check.h"

namespace quire::engine {

Status BlockTable::Grow(std::int64_t num_tokens, BlockAllocator& allocator) {
  const std::int64_t missing =
      NumBlocksFor(num_tokens, allocator.block_size()) - static_cast<std::int64_t>(blocks_.size());
  if (missing <= 0) return OkStatus();
  QUIRE_ASSIGN_OR_RETURN(const std::vector<BlockId> blocks,
                         allocator.Allocate(static_cast<std::int32_t>(missing)));
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
  return OkStatus();
}

void BlockTable::Adopt(std::span<const BlockId> blocks) {
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
}

void BlockTable::Release(BlockAllocator& allocator) {
  allocator.Release(blocks_);
  blocks_.clear();
}

std::int32_t BlockTable::Slot(std::int64_t position, std::int32_t block_size) const {
  const auto block = static_cast<std::size_t>(position / block_size);
  QUIRE_DCHECK(block < blocks_.size());
  return static_cast<std::int32_t>(blocks_[block]) * block_size +
         static_cast<std::int32_t>(position % block_size);
}

}  // namespace quire::engine
