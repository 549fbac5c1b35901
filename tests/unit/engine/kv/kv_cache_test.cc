#include "engine/kv/kv_cache.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/faulty_device.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr KvCacheShape kShape = {
    .num_layers = 2, .num_kv_heads = 3, .head_dim = 8, .block_size = 16};

TEST(KvCacheTest, BlocksFollowFromTheBudget) {
  // K and V, layers, heads, tokens, elements, bytes.
  constexpr std::int64_t kBlockBytes = 2 * 2 * 3 * 16 * 8 * 4;
  EXPECT_EQ(KvBlockBytes(kShape), kBlockBytes);
  const auto blocks = NumKvBlocks(kShape, 5 * kBlockBytes + 1);
  ASSERT_THAT(blocks, IsOk());
  EXPECT_EQ(*blocks, 5);
  EXPECT_THAT(NumKvBlocks(kShape, kBlockBytes - 1), HasCode(absl::StatusCode::kResourceExhausted));
}

TEST(KvCacheTest, SlotsFitTheirType) {
  const auto blocks = NumKvBlocks(kShape, std::numeric_limits<std::int64_t>::max());
  ASSERT_THAT(blocks, IsOk());
  EXPECT_LE(std::int64_t{*blocks} * kShape.block_size, std::numeric_limits<std::int32_t>::max());
}

TEST(KvCacheTest, LayersDoNotOverlap) {
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const auto cache = KvCache::Create(kShape, 3, **device);
  ASSERT_THAT(cache, IsOk());
  const kernels::KvLayerView view = (*cache)->Layer(0);
  const std::ptrdiff_t half_bytes = 3 * 3 * 16 * 8 * 4;
  EXPECT_EQ(static_cast<char*>(view.v) - static_cast<char*>(view.k), half_bytes);
  EXPECT_NE((*cache)->Layer(1).k, view.k);
  EXPECT_EQ((*cache)->size_bytes(), 4 * half_bytes);
  // Every byte is ours.
  for (std::int32_t layer = 0; layer < 2; ++layer) {
    std::fill_n(static_cast<char*>((*cache)->Layer(layer).k), 2 * half_bytes, 'x');
  }
}

TEST(KvCacheTest, Int8HasAScalePerTokenAndHead) {
  KvCacheShape shape = kShape;
  shape.dtype = kernels::DType::kI8;
  shape.num_kv_heads = 1;
  shape.head_dim = 6;
  shape.block_size = 1;
  EXPECT_EQ(KvBlockBytes(shape), 2 * 2 * (6 + 4));
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const auto cache = KvCache::Create(shape, 3, **device);
  ASSERT_THAT(cache, IsOk());
  const kernels::KvLayerView view = (*cache)->Layer(1);
  // Scales, aligned, then elements: nothing overlaps and nothing is beyond the end.
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.k_scales) % sizeof(float), 0u);
  EXPECT_EQ(view.v_scales - view.k_scales, 3);
  EXPECT_EQ(static_cast<void*>(view.v_scales + 3), view.k);
  EXPECT_EQ(static_cast<char*>(view.v) - static_cast<char*>(view.k), 18);
  EXPECT_EQ((*cache)->size_bytes(), 2 * 2 * 3 * (6 + 4));
  EXPECT_EQ((*KvCache::Create(kShape, 3, **device))->Layer(0).k_scales, nullptr);
}

TEST(KvCacheTest, TypesHaveNames) {
  for (const std::string_view name : kKvCacheTypes) {
    const auto dtype = ParseKvCacheType(name);
    ASSERT_THAT(dtype, IsOk());
    EXPECT_EQ(KvCacheTypeName(*dtype), name);
  }
  EXPECT_THAT(ParseKvCacheType("i8"),
              testing::FailsWith(absl::StatusCode::kInvalidArgument, "int8, fp8, have 'i8'"));
}

TEST(KvCacheTest, TheTypeIsTheDevicesChoiceUnlessItIsNamed) {
  testing::FaultyDevice device;
  EXPECT_EQ(*ParseKvCacheType("auto", device), kernels::DType::kF32);
  EXPECT_EQ(*ParseKvCacheType("int8", device), kernels::DType::kI8);
  device.SetOwnMemory(1 << 20);
  EXPECT_EQ(*ParseKvCacheType("auto", device), kernels::DType::kBF16);
  EXPECT_FALSE(ParseKvCacheType("auto").ok());
}

TEST(KvCacheTest, TypesWithoutKernelsAreRefused) {
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  KvCacheShape shape = kShape;
  shape.dtype = kernels::DType::kU8;
  EXPECT_THAT(KvCache::Create(shape, 3, **device), HasCode(absl::StatusCode::kUnimplemented));
  shape.dtype = kernels::DType::kF8E4M3;
  EXPECT_THAT(KvCache::Create(shape, 3, **device),
              testing::FailsWith(absl::StatusCode::kUnimplemented, "bf16 or i8, have f8_e4m3"));
}

TEST(KvCacheTest, Float8TakesAsManyBytesAsInt8) {
  KvCacheShape shape = kShape;
  shape.dtype = kernels::DType::kI8;
  const std::int64_t int8_bytes = KvBlockBytes(shape);
  shape.dtype = kernels::DType::kF8E4M3;
  EXPECT_EQ(KvBlockBytes(shape), int8_bytes);
}

}  // namespace
}  // namespace quire::engine
