#include "engine/kv/kv_cache.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quire::engine {
namespace {

// In the order of kKvCacheTypes.
constexpr std::array kKvTypes = {kernels::DType::kF32, kernels::DType::kF16, kernels::DType::kBF16,
                                 kernels::DType::kI8, kernels::DType::kF8E4M3};
static_assert(kKvTypes.size() == kKvCacheTypes.size());

// K or V of one block in one layer, without scales.
std::int64_t ElementBytes(const KvCacheShape& shape) {
  return std::int64_t{shape.num_kv_heads} * shape.block_size * shape.head_dim *
         kernels::BytesPerElement(shape.dtype);
}

std::int64_t ScaleBytes(const KvCacheShape& shape) {
  if (!kernels::HasKvScales(shape.dtype)) return 0;
  return std::int64_t{shape.num_kv_heads} * shape.block_size *
         static_cast<std::int64_t>(sizeof(float));
}

// K and V of one block in one layer.
std::int64_t BlockLayerBytes(const KvCacheShape& shape) {
  return 2 * (ElementBytes(shape) + ScaleBytes(shape));
}

}  // namespace

StatusOr<kernels::DType> ParseKvCacheType(std::string_view name) {
  for (std::size_t i = 0; i < kKvTypes.size(); ++i) {
    if (name == kKvCacheTypes[i]) return kKvTypes[i];
  }
  return InvalidArgument("kv-cache-type: wanted one of {}, have '{}'",
                         fmt::join(kKvCacheTypes, ", "), name);
}

StatusOr<kernels::DType> ParseKvCacheType(std::string_view name, const kernels::Device& device) {
  if (name == kAutoKvCacheType) return device.preferred_kv_type();
  return ParseKvCacheType(name);
}

std::string_view KvCacheTypeName(kernels::DType dtype) {
  for (std::size_t i = 0; i < kKvTypes.size(); ++i) {
    if (dtype == kKvTypes[i]) return kKvCacheTypes[i];
  }
  return kernels::DTypeName(dtype);
}

std::int64_t KvBlockBytes(const KvCacheShape& shape) {
  return BlockLayerBytes(shape) * shape.num_layers;
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
  QUIRE_RETURN_IF_ERROR(device.ValidateKvType(shape.dtype));
  std::unique_ptr<KvCache> cache(new KvCache(shape, num_blocks));
  for (std::int32_t layer = 0; layer < shape.num_layers; ++layer) {
    auto memory = device.Allocate(BlockLayerBytes(shape) * num_blocks);
    if (!memory.ok()) return Annotate(memory.status(), "KV cache");
    cache->layers_.push_back(*std::move(memory));
  }
  return cache;
}

template <typename Copy>
void KvCache::ForEachPart(BlockId block, Copy copy) const {
  const std::int64_t element_bytes = ElementBytes(shape_);
  const std::int64_t scale_bytes = ScaleBytes(shape_);
  std::int64_t offset = 0;
  const auto part = [&](void* memory, std::int64_t size_bytes) {
    if (size_bytes == 0) return;
    auto* const begin = static_cast<std::byte*>(memory);
    copy(begin + size_bytes * static_cast<std::int64_t>(block), offset, size_bytes);
    offset += size_bytes;
  };
  for (std::int32_t layer = 0; layer < shape_.num_layers; ++layer) {
    const kernels::KvLayerView view = Layer(layer);
    part(view.k, element_bytes);
    part(view.v, element_bytes);
    part(view.k_scales, scale_bytes);
    part(view.v_scales, scale_bytes);
  }
}

void KvCache::CopyBlockToHost(BlockId block, std::byte* host, kernels::Device& device,
                              kernels::Stream& stream) const {
  ForEachPart(block, [&](const std::byte* part, std::int64_t offset, std::int64_t size_bytes) {
    device.CopyToHost(host + offset, part, size_bytes, stream);
  });
}

void KvCache::CopyBlockFromHost(const std::byte* host, BlockId block, kernels::Device& device,
                                kernels::Stream& stream) const {
  ForEachPart(block, [&](std::byte* part, std::int64_t offset, std::int64_t size_bytes) {
    device.CopyToDevice(part, host + offset, size_bytes, stream);
  });
}

kernels::KvLayerView KvCache::Layer(std::int32_t layer) const {
  auto* const memory = static_cast<std::uint8_t*>(layers_[static_cast<std::size_t>(layer)]->data());
  // Scales in front, where they are aligned whatever the size of the rest.
  const std::int64_t scale_bytes = ScaleBytes(shape_) * num_blocks_;
  auto* const keys = memory + 2 * scale_bytes;
  kernels::KvLayerView view = {.k = keys,
                               .v = keys + ElementBytes(shape_) * num_blocks_,
                               .num_blocks = num_blocks_,
                               .block_size = shape_.block_size,
                               .num_kv_heads = shape_.num_kv_heads,
                               .head_dim = shape_.head_dim,
                               .dtype = shape_.dtype};
  if (scale_bytes > 0) {
    view.k_scales = reinterpret_cast<float*>(memory);
    view.v_scales = reinterpret_cast<float*>(memory + scale_bytes);
  }
  return view;
}

}  // namespace quire::engine
