#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"
#include "kernels/device.h"
#include "kernels/paged_attention.h"

namespace quire::engine {

struct KvCacheShape {
  std::int32_t num_layers = 0;
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t block_size = 16;  // tokens
  kernels::DType dtype = kernels::DType::kF32;
};

// The names of the types that `--kv-cache-type` takes besides "auto"; which of them a device has
// kernels for is its own affair.
inline constexpr std::array<std::string_view, 5> kKvCacheTypes = {"f32", "f16", "bf16", "int8",
                                                                  "fp8"};

// The type of one of these names. Returns INVALID_ARGUMENT for any other.
StatusOr<kernels::DType> ParseKvCacheType(std::string_view name);
// The same, and for "auto" what the device prefers.
inline constexpr std::string_view kAutoKvCacheType = "auto";
StatusOr<kernels::DType> ParseKvCacheType(std::string_view name, const kernels::Device& device);
// The name of one of these types.
std::string_view KvCacheTypeName(kernels::DType dtype);

// Bytes of one block in all layers, keys, values and scales.
std::int64_t KvBlockBytes(const KvCacheShape& shape);

// Blocks that fit `budget_bytes`, at most what slot numbers can count. Returns INVALID_ARGUMENT if
// a dimension is not positive, RESOURCE_EXHAUSTED if not one block fits.
StatusOr<std::int32_t> NumKvBlocks(const KvCacheShape& shape, std::int64_t budget_bytes);

// The memory of the paged cache: K and V `[num_blocks, num_kv_heads, block_size, head_dim]` for
// each layer, in int8 with a scale per row. Who uses which block is BlockAllocator's affair. Pages
// are taken from the system when they are first written.
//
// Engine thread only.
class KvCache {
 public:
  // Returns RESOURCE_EXHAUSTED if the device lacks the memory, UNIMPLEMENTED if it has no kernels
  // for the type.
  static StatusOr<std::unique_ptr<KvCache>> Create(const KvCacheShape& shape,
                                                   std::int32_t num_blocks,
                                                   kernels::Device& device);

  kernels::KvLayerView Layer(std::int32_t layer) const;
  // Copies one block in all layers in stream order: KvBlockBytes bytes, layer after layer.
  void CopyBlockToHost(BlockId block, std::byte* host, kernels::Device& device,
                       kernels::Stream& stream) const;
  void CopyBlockFromHost(const std::byte* host, BlockId block, kernels::Device& device,
                         kernels::Stream& stream) const;
  std::int64_t size_bytes() const { return KvBlockBytes(shape_) * num_blocks_; }
  const KvCacheShape& shape() const { return shape_; }

 private:
  KvCache(const KvCacheShape& shape, std::int32_t num_blocks)
      : shape_(shape), num_blocks_(num_blocks) {}

  // Calls copy(memory of the device, offset in the block, bytes) for each part of a block.
  template <typename Copy>
  void ForEachPart(BlockId block, Copy copy) const;

  const KvCacheShape shape_;
  const std::int32_t num_blocks_;
  std::vector<std::unique_ptr<kernels::DeviceMemory>> layers_;  // scales of K and V, K, V
};

}  // namespace quire::engine
