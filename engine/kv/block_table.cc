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

void BlockTable::Adopt(std::int64_t num_absent, std::span<const BlockId> blocks) {
  QUIRE_CHECK(blocks_.empty());
  num_absent_ = static_cast<std::size_t>(num_absent);
  blocks_.assign(num_absent_, kNoBlock);
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
}

void BlockTable::ReleaseBefore(std::int64_t position, BlockAllocator& allocator) {
  const auto wanted = static_cast<std::size_t>(position / allocator.block_size());
  const std::size_t end = std::min(wanted, blocks_.size());
  if (end <= num_absent_) return;
  const std::span<BlockId> gone = std::span(blocks_).first(end).subspan(num_absent_);
  allocator.Release(gone);
  std::fill(gone.begin(), gone.end(), kNoBlock);
  num_absent_ = end;
}

void BlockTable::Release(BlockAllocator& allocator) {
  allocator.Release(held());
  blocks_.clear();
  num_absent_ = 0;
}

std::int32_t BlockTable::Slot(std::int64_t position, std::int32_t block_size) const {
  const auto block = static_cast<std::size_t>(position / block_size);
  QUIRE_DCHECK(block >= num_absent_ && block < blocks_.size());
  return static_cast<std::int32_t>(blocks_[block]) * block_size +
         static_cast<std::int32_t>(position % block_size);
}

}  // namespace quire::engine
