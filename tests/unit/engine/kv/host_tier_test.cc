#include "engine/kv/host_tier.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr std::int32_t kNumBlocks = 5;

BlockKey Key(std::uint8_t number) {
  BlockKey key;
  key.digest[0] = number;
  return key;
}

class HostTierTest : public ::testing::TestWithParam<kernels::DType> {
 protected:
  HostTierTest() {
    cache_ = *KvCache::Create(shape_, kNumBlocks, *device_);
    stream_ = *device_->NewStream();
  }

  std::unique_ptr<HostTier> NewTier(std::int64_t num_blocks) {
    auto tier =
        HostTier::Create(*cache_, num_blocks * KvBlockBytes(shape_) + 1, *device_, *stream_);
    EXPECT_THAT(tier, IsOk());
    return *std::move(tier);
  }

  // All that a block holds.
  std::vector<std::byte> Contents(std::int32_t block) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(KvBlockBytes(shape_)));
    cache_->CopyBlockToHost(BlockId{block}, bytes.data(), *device_, *stream_);
    EXPECT_THAT(device_->Synchronize(*stream_), IsOk());
    return bytes;
  }

  // Writes random bytes into every block, through the views that kernels get.
  void FillCache() {
    for (std::int32_t layer = 0; layer < shape_.num_layers; ++layer) {
      const kernels::KvLayerView view = cache_->Layer(layer);
      const std::int64_t rows = std::int64_t{kNumBlocks} * shape_.num_kv_heads * shape_.block_size;
      const std::int64_t bytes = rows * shape_.head_dim * kernels::BytesPerElement(shape_.dtype);
      Fill(view.k, bytes);
      Fill(view.v, bytes);
      if (view.k_scales == nullptr) continue;
      Fill(view.k_scales, rows * std::int64_t{sizeof(float)});
      Fill(view.v_scales, rows * std::int64_t{sizeof(float)});
    }
  }
  void Fill(void* memory, std::int64_t size_bytes) {
    auto* const bytes = static_cast<unsigned char*>(memory);
    for (std::int64_t i = 0; i < size_bytes; ++i) {
      bytes[i] = static_cast<unsigned char>(random_() & 0xff);
    }
  }

  const KvCacheShape shape_ = {
      .num_layers = 3, .num_kv_heads = 2, .head_dim = 6, .block_size = 4, .dtype = GetParam()};
  const std::unique_ptr<kernels::Device> device_ = *kernels::FindDevice("cpu");
  std::unique_ptr<KvCache> cache_;
  std::unique_ptr<kernels::Stream> stream_;
  std::mt19937 random_{1};
};

TEST_P(HostTierTest, ABlockComesBackAsItWas) {
  FillCache();
  const auto tier = NewTier(2);
  const std::vector<std::byte> wanted = Contents(1);
  tier->Save(Key(1), BlockId{1});
  FillCache();
  const std::vector<std::byte> neighbour = Contents(4);
  ASSERT_NE(Contents(3), wanted);
  ASSERT_TRUE(tier->Restore(Key(1), BlockId{3}));
  EXPECT_EQ(Contents(3), wanted);
  EXPECT_EQ(Contents(4), neighbour);
  EXPECT_FALSE(tier->Restore(Key(2), BlockId{4}));
  EXPECT_EQ(Contents(4), neighbour);
}

TEST_P(HostTierTest, TheLongestUnusedBlockMakesRoom) {
  const auto tier = NewTier(2);
  EXPECT_EQ(tier->num_blocks(), 2);
  tier->Save(Key(1), BlockId{1});
  tier->Save(Key(2), BlockId{2});
  EXPECT_TRUE(tier->Restore(Key(1), BlockId{0}));
  tier->Save(Key(3), BlockId{3});
  EXPECT_TRUE(tier->Has(Key(1)));
  EXPECT_FALSE(tier->Has(Key(2)));
  tier->Save(Key(1), BlockId{1});
  tier->Save(Key(4), BlockId{4});
  EXPECT_TRUE(tier->Has(Key(1)));
  EXPECT_FALSE(tier->Has(Key(3)));
}

TEST_P(HostTierTest, ClearForgetsAllAndLeavesRoomForAll) {
  FillCache();
  const auto tier = NewTier(2);
  tier->Save(Key(1), BlockId{1});
  tier->Save(Key(2), BlockId{2});
  tier->Clear();
  EXPECT_FALSE(tier->Has(Key(1)));
  const std::vector<std::byte> wanted[] = {Contents(3), Contents(4)};
  tier->Save(Key(3), BlockId{3});
  tier->Save(Key(4), BlockId{4});
  FillCache();
  EXPECT_TRUE(tier->Restore(Key(3), BlockId{0}));
  EXPECT_TRUE(tier->Restore(Key(4), BlockId{1}));
  EXPECT_EQ(Contents(0), wanted[0]);
  EXPECT_EQ(Contents(1), wanted[1]);
}

TEST_P(HostTierTest, RoomForNoBlockIsAnError) {
  EXPECT_THAT(HostTier::Create(*cache_, KvBlockBytes(shape_) - 1, *device_, *stream_),
              FailsWith(absl::StatusCode::kResourceExhausted, "host memory for KV blocks"));
}

INSTANTIATE_TEST_SUITE_P(EveryType, HostTierTest,
                         ::testing::Values(kernels::DType::kF32, kernels::DType::kBF16,
                                           kernels::DType::kI8),
                         [](const auto& type) { return std::string(KvCacheTypeName(type.param)); });

}  // namespace
}  // namespace quire::engine
