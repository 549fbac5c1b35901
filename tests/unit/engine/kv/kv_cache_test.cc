#include "engine/kv/kv_cache.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/kv/memory_budget.h"
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

TEST(MemoryBudgetTest, SystemTellsItsMemory) { EXPECT_GT(AvailableMemoryBytes(), 1 << 20); }

}  // namespace
}  // namespace quire::engine
