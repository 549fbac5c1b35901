#include "engine/kv/block_allocator.h"

#include "base/check.h"

namespace quire::engine {
namespace {

std::size_t Index(BlockId block) { return static_cast<std::size_t>(block); }

}  // namespace

BlockAllocator::BlockAllocator(std::int32_t num_blocks, std::int32_t block_size)
    : block_size_(block_size) {
  QUIRE_CHECK(num_blocks > 0 && block_size > 0);
  references_.resize(static_cast<std::size_t>(num_blocks), 0);
  free_.reserve(references_.size());
  for (std::int32_t block = num_blocks - 1; block >= 0; --block) free_.push_back(BlockId{block});
}

StatusOr<std::vector<BlockId>> BlockAllocator::Allocate(std::int32_t count) {
  QUIRE_CHECK(count >= 0);
  if (count > num_free()) {
    return ResourceExhausted("KV cache: wanted {} blocks, have {} free of {}", count, num_free(),
                             num_blocks());
  }
  std::vector<BlockId> blocks;
  blocks.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    blocks.push_back(free_.back());
    free_.pop_back();
    references_[Index(blocks.back())] = 1;
  }
  return blocks;
}

void BlockAllocator::Share(std::span<const BlockId> blocks) {
  for (const BlockId block : blocks) {
    QUIRE_CHECK(references_[Index(block)] > 0);
    ++references_[Index(block)];
  }
}

void BlockAllocator::Release(std::span<const BlockId> blocks) {
  for (const BlockId block : blocks) {
    QUIRE_CHECK(references_[Index(block)] > 0);
    if (--references_[Index(block)] == 0) free_.push_back(block);
  }
}

}  // namespace quire::engine
