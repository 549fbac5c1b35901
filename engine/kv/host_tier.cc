#include "engine/kv/host_tier.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace quire::engine {

StatusOr<std::unique_ptr<HostTier>> HostTier::Create(const KvCache& cache,
                                                     std::int64_t budget_bytes,
                                                     kernels::Device& device,
                                                     kernels::Stream& stream) {
  const auto num_blocks = NumKvBlocks(cache.shape(), budget_bytes);
  if (!num_blocks.ok()) return Annotate(num_blocks.status(), "host memory for KV blocks");
  auto memory = device.AllocateHost(KvBlockBytes(cache.shape()) * *num_blocks);
  if (!memory.ok()) return Annotate(memory.status(), "host memory for KV blocks");
  return std::unique_ptr<HostTier>(
      new HostTier(cache, *num_blocks, *std::move(memory), device, stream));
}

HostTier::HostTier(const KvCache& cache, std::int32_t num_blocks,
                   std::unique_ptr<kernels::DeviceMemory> memory, kernels::Device& device,
                   kernels::Stream& stream)
    : cache_(cache),
      num_blocks_(num_blocks),
      memory_(std::move(memory)),
      device_(device),
      stream_(stream) {
  Clear();
}

void HostTier::Save(const BlockKey& key, BlockId block) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    // A name says what a block holds, so the copy that is here is the same.
    entries_.splice(entries_.end(), entries_, found->second);
    return;
  }
  const std::int32_t place = TakePlace();
  cache_.CopyBlockToHost(block, At(place), device_, stream_);
  by_key_.emplace(key, entries_.insert(entries_.end(), {.key = key, .place = place}));
}

bool HostTier::Restore(const BlockKey& key, BlockId block) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return false;
  entries_.splice(entries_.end(), entries_, found->second);
  cache_.CopyBlockFromHost(At(found->second->place), block, device_, stream_);
  return true;
}

void HostTier::Clear() {
  entries_.clear();
  by_key_.clear();
  free_places_.resize(static_cast<std::size_t>(num_blocks_));
  std::iota(free_places_.begin(), free_places_.end(), 0);
}

std::byte* HostTier::At(std::int32_t place) const {
  return static_cast<std::byte*>(memory_->data()) + KvBlockBytes(cache_.shape()) * place;
}

std::int32_t HostTier::TakePlace() {
  if (!free_places_.empty()) {
    const std::int32_t place = free_places_.back();
    free_places_.pop_back();
    return place;
  }
  const Entry oldest = entries_.front();
  by_key_.erase(oldest.key);
  entries_.pop_front();
  return oldest.place;
}

}  // namespace quire::engine
