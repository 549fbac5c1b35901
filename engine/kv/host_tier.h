#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_tier.h"
#include "engine/kv/kv_cache.h"
#include "kernels/device.h"

namespace quire::engine {

// KV blocks in host memory, the longest unused dropped first. Copies run on the stream of the
// steps, so they are in order with what is computed and nobody waits for them.
//
// Engine thread only.
class HostTier final : public BlockTier {
 public:
  // Takes as many blocks as `budget_bytes` holds of host memory, at once. `cache`, `device` and
  // `stream`, on which the steps over `cache` run, must outlive it. Returns RESOURCE_EXHAUSTED if
  // not one block fits, or if the host lacks the memory.
  static StatusOr<std::unique_ptr<HostTier>> Create(const KvCache& cache, std::int64_t budget_bytes,
                                                    kernels::Device& device,
                                                    kernels::Stream& stream);

  void Save(const BlockKey& key, BlockId block) override;
  bool Has(const BlockKey& key) const { return by_key_.contains(key); }
  bool Restore(const BlockKey& key, BlockId block) override;
  void Clear() override;

  std::int32_t num_blocks() const { return num_blocks_; }
  std::int64_t size_bytes() const { return memory_->size_bytes(); }

 private:
  struct Entry {
    BlockKey key;
    std::int32_t place = 0;  // in memory_, in blocks
  };
  using Entries = std::list<Entry>;

  HostTier(const KvCache& cache, std::int32_t num_blocks,
           std::unique_ptr<kernels::DeviceMemory> memory, kernels::Device& device,
           kernels::Stream& stream);

  std::byte* At(std::int32_t place) const;
  // A place to write to, that of the longest unused block if none is free.
  std::int32_t TakePlace();

  const KvCache& cache_;
  const std::int32_t num_blocks_;
  const std::unique_ptr<kernels::DeviceMemory> memory_;
  kernels::Device& device_;
  kernels::Stream& stream_;
  Entries entries_;  // the longest unused in front
  std::unordered_map<BlockKey, Entries::iterator, BlockKeyHash> by_key_;
  std::vector<std::int32_t> free_places_;
};

}  // namespace quire::engine
