#include "engine/kv/block_allocator.h"

#include <ranges>

#include "base/check.h"

namespace quire::engine {

BlockAllocator::BlockAllocator(std::int32_t num_blocks, std::int32_t block_size)
    : block_size_(block_size) {
  QUIRE_CHECK(num_blocks > 0 && block_size > 0);
  blocks_.resize(static_cast<std::size_t>(num_blocks));
  for (std::int32_t block = 0; block < num_blocks; ++block) {
    At(BlockId{block}).place = free_.insert(free_.end(), BlockId{block});
  }
}

StatusOr<std::vector<BlockId>> BlockAllocator::Allocate(std::int32_t count) {
  QUIRE_CHECK(count >= 0);
  if (count > num_free()) {
    return ResourceExhausted("KV cache: wanted {} blocks, have {} free of {}", count, num_free(),
                             num_blocks());
  }
  std::vector<BlockId> taken;
  taken.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    taken.push_back(free_.front());
    Block& block = At(taken.back());
    if (block.key) Evict(taken.back());
    Take(block);
  }
  return taken;
}

void BlockAllocator::Share(std::span<const BlockId> blocks) {
  for (const BlockId id : blocks) {
    Block& block = At(id);
    QUIRE_CHECK(block.references > 0 || block.key);
    if (block.references == 0) {
      Take(block);
    } else {
      ++block.references;
    }
  }
}

void BlockAllocator::Release(std::span<const BlockId> blocks) {
  for (const BlockId id : std::views::reverse(blocks)) {
    Block& block = At(id);
    QUIRE_CHECK(block.references > 0);
    if (--block.references == 0) Free(block);
  }
}

void BlockAllocator::SetKey(BlockId id, const BlockKey& key) {
  Block& block = At(id);
  QUIRE_CHECK(block.references > 0);
  if (block.key || !by_key_.emplace(key, id).second) return;
  block.key = key;
}

std::optional<BlockId> BlockAllocator::Find(const BlockKey& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

void BlockAllocator::ForgetKeys() {
  for (Block& block : blocks_) block.key.reset();
  by_key_.clear();
}

void BlockAllocator::Evict(BlockId id) {
  Block& block = At(id);
  by_key_.erase(*block.key);
  if (on_evicted_) on_evicted_(*block.key, id);
  block.key.reset();
}

void BlockAllocator::Take(Block& block) {
  block.references = 1;
  used_.splice(used_.end(), free_, block.place);
}

void BlockAllocator::Free(Block& block) {
  free_.splice(block.key ? free_.end() : free_.begin(), used_, block.place);
}

}  // namespace quire::engine
