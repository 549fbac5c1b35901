#include "engine/kv/kv_cache.h"

#include <algorithm>
#include <limits>

namespace quire::engine {
namespace {

// K or V of one block in one layer.
std::int64_t BlockLayerBytes(const KvCacheShape& shape) {
  return std::int64_t{shape.num_kv_heads} * shape.block_size * shape.head_dim *
         kernels::BytesPerElement(shape.dtype);
}

}  // namespace

std::int64_t KvBlockBytes(const KvCacheShape& shape) {
  return 2 * BlockLayerBytes(shape) * shape.num_layers;
}

StatusOr<std::int32_t> NumKvBlocks(const KvCacheShape& shape, std::int64_t budget_bytes) {
  if (shape.num_layers <= 0 || shape.num_kv_heads <= 0 || shape.head_dim <= 0 ||
      shape.block_size <= 0) {
    return InvalidArgument("KV cache: every dimension must be positive");
  }
  const std::int64_t block_bytes = KvBlockBytes(shape);
  if (budget_bytes < block_bytes) {
    return ResourceExhausted("KV cache: wanted {} bytes for one block, have {}", block_bytes,
                             budget_bytes);
  }
  // A slot is a 32-bit number.
  const std::int64_t max_blocks = std::numeric_limits<std::int32_t>::max() / shape.block_size;
  return static_cast<std::int32_t>(std::min(budget_bytes / block_bytes, max_blocks));
}

StatusOr<std::unique_ptr<KvCache>> KvCache::Create(const KvCacheShape& shape,
                                                   std::int32_t num_blocks,
                                                   kernels::Device& device) {
  std::unique_ptr<KvCache> cache(new KvCache(shape, num_blocks));
  for (std::int32_t layer = 0; layer < shape.num_layers; ++layer) {
    auto memory = device.Allocate(2 * BlockLayerBytes(shape) * num_blocks);
    if (!memory.ok()) return Annotate(memory.status(), "KV cache");
    cache->layers_.push_back(*std::move(memory));
  }
  return cache;
}

kernels::KvLayerView KvCache::Layer(std::int32_t layer) const {
  auto* const keys = static_cast<std::uint8_t*>(layers_[static_cast<std::size_t>(layer)]->data());
  return {.k = keys,
          .v = keys + BlockLayerBytes(shape_) * num_blocks_,
          .num_blocks = num_blocks_,
          .block_size = shape_.block_size,
          .num_kv_heads = shape_.num_kv_heads,
          .head_dim = shape_.head_dim,
          .dtype = shape_.dtype};
}

}  // namespace quire::engine
