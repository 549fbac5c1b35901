#include "engine/kv/block_allocator.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(BlockAllocatorTest, AllocateIsAllOrNothing) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  EXPECT_THAT(allocator.Allocate(5), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(allocator.num_free(), 4);
}

TEST(BlockAllocatorTest, SharedBlockIsFreedByItsLastOwner) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  const auto prefix = allocator.Allocate(2);
  ASSERT_THAT(prefix, IsOk());
  allocator.Share(*prefix);
  allocator.Release(*prefix);
  EXPECT_EQ(allocator.num_free(), 2);
  allocator.Release(*prefix);
  EXPECT_EQ(allocator.num_free(), 4);
}

TEST(BlockAllocatorTest, RandomOperationsNeverGiveABlockTwice) {
  constexpr std::int32_t kNumBlocks = 37;
  BlockAllocator allocator(kNumBlocks, /*block_size=*/16);
  std::mt19937 random(1);
  std::vector<std::vector<BlockId>> held;  // each with one reference to each of its blocks
  for (int i = 0; i < 5000; ++i) {
    const auto action = random() % 3;
    if (action == 0) {
      auto blocks = allocator.Allocate(static_cast<std::int32_t>(random() % 6));
      if (blocks.ok()) held.push_back(*std::move(blocks));
    } else if (action == 1 && !held.empty()) {
      held.push_back(held[random() % held.size()]);
      allocator.Share(held.back());
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      allocator.Release(held.back());
      held.pop_back();
    }
    std::set<BlockId> used;
    for (const auto& blocks : held) used.insert(blocks.begin(), blocks.end());
    ASSERT_EQ(allocator.num_free() + static_cast<std::int32_t>(used.size()), kNumBlocks);
  }
}

BlockKey KeyOf(std::vector<TokenId> tokens) { return NextBlockKey(BlockKey(), tokens); }

TEST(BlockAllocatorTest, ABlockIsFoundByItsKeyUntilItIsHandedOutAgain) {
  BlockAllocator allocator(/*num_blocks=*/2, /*block_size=*/2);
  const auto blocks = allocator.Allocate(1);
  ASSERT_THAT(blocks, IsOk());
  allocator.SetKey((*blocks)[0], KeyOf({1, 2}));
  EXPECT_EQ(allocator.Find(KeyOf({1, 2})), (*blocks)[0]);
  EXPECT_EQ(allocator.Find(KeyOf({2, 1})), std::nullopt);
  allocator.Release(*blocks);
  // The block without a key goes first.
  const auto other = allocator.Allocate(1);
  ASSERT_THAT(other, IsOk());
  EXPECT_NE((*other)[0], (*blocks)[0]);
  allocator.Share(*blocks);
  EXPECT_EQ(allocator.num_free(), 0);
  allocator.Release(*blocks);
  ASSERT_THAT(allocator.Allocate(1), IsOk());
  EXPECT_EQ(allocator.Find(KeyOf({1, 2})), std::nullopt);
}

TEST(BlockAllocatorTest, TheLongestUnusedGoesFirstAndOfASequenceItsEnd) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/1);
  const auto a = allocator.Allocate(2);
  const auto b = allocator.Allocate(2);
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  for (const TokenId i : {0, 1}) {
    allocator.SetKey((*a)[static_cast<std::size_t>(i)], KeyOf({i}));
    allocator.SetKey((*b)[static_cast<std::size_t>(i)], KeyOf({10 + i}));
  }
  allocator.Release(*b);
  allocator.Release(*a);
  for (const TokenId gone : {11, 10, 1, 0}) {
    EXPECT_NE(allocator.Find(KeyOf({gone})), std::nullopt);
    ASSERT_THAT(allocator.Allocate(1), IsOk());
    EXPECT_EQ(allocator.Find(KeyOf({gone})), std::nullopt);
  }
}

TEST(BlockAllocatorTest, AKeyHasOneBlockAndABlockOneKey) {
  BlockAllocator allocator(/*num_blocks=*/2, /*block_size=*/1);
  const auto blocks = allocator.Allocate(2);
  ASSERT_THAT(blocks, IsOk());
  allocator.SetKey((*blocks)[0], KeyOf({1}));
  allocator.SetKey((*blocks)[1], KeyOf({1}));
  allocator.SetKey((*blocks)[0], KeyOf({2}));
  EXPECT_EQ(allocator.Find(KeyOf({1})), (*blocks)[0]);
  EXPECT_EQ(allocator.Find(KeyOf({2})), std::nullopt);
  allocator.ForgetKeys();
  EXPECT_EQ(allocator.Find(KeyOf({1})), std::nullopt);
  allocator.SetKey((*blocks)[1], KeyOf({1}));
  EXPECT_EQ(allocator.Find(KeyOf({1})), (*blocks)[1]);
}

}  // namespace
}  // namespace quire::engine
