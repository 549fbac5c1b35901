#include "engine/kv/block_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(BlockTableTest, GrowTakesOnlyWhatIsMissing) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  BlockTable table;
  ASSERT_THAT(table.Grow(1, allocator), IsOk());
  ASSERT_THAT(table.Grow(16, allocator), IsOk());
  EXPECT_EQ(table.blocks().size(), 1u);
  ASSERT_THAT(table.Grow(17, allocator), IsOk());
  EXPECT_EQ(table.blocks().size(), 2u);
  EXPECT_THAT(table.Grow(65, allocator), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(table.blocks().size(), 2u);
  EXPECT_EQ(allocator.num_free(), 2);
  table.Release(allocator);
  EXPECT_EQ(allocator.num_free(), 4);
}

TEST(BlockTableTest, SlotIsBlockAndOffset) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  BlockTable table;
  ASSERT_THAT(table.Grow(40, allocator), IsOk());
  const auto block = static_cast<std::int32_t>(table.blocks()[2]);
  EXPECT_EQ(table.Slot(32, 16), block * 16);
  EXPECT_EQ(table.Slot(39, 16), block * 16 + 7);
}

TEST(BlockTableTest, BlocksBeforeAPositionAreGivenBackAndKeepTheirPlace) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  BlockTable table;
  ASSERT_THAT(table.Grow(64, allocator), IsOk());
  const BlockId third = table.blocks()[2];
  table.ReleaseBefore(47, allocator);  // position 47 is the last of the third block
  EXPECT_EQ(allocator.num_free(), 2);
  EXPECT_EQ(table.blocks().size(), 4u);
  EXPECT_EQ(table.blocks()[0], kNoBlock);
  EXPECT_EQ(table.blocks()[1], kNoBlock);
  EXPECT_EQ(table.held().size(), 2u);
  EXPECT_EQ(table.Slot(32, 16), static_cast<std::int32_t>(third) * 16);
  table.ReleaseBefore(32, allocator);  // nothing new
  EXPECT_EQ(allocator.num_free(), 2);
  // Room is counted from position 0.
  ASSERT_THAT(table.Grow(65, allocator), IsOk());
  EXPECT_EQ(table.blocks().size(), 5u);
  table.ReleaseBefore(1000, allocator);
  EXPECT_TRUE(table.held().empty());
  table.Release(allocator);
  EXPECT_EQ(allocator.num_free(), 4);
  EXPECT_TRUE(table.blocks().empty());
}

TEST(BlockTableTest, AdoptedBlocksFollowThoseThatNobodyReads) {
  BlockAllocator allocator(/*num_blocks=*/4, /*block_size=*/16);
  const auto blocks = allocator.Allocate(2);
  ASSERT_THAT(blocks, IsOk());
  BlockTable table;
  table.Adopt(3, *blocks);
  EXPECT_EQ(table.blocks().size(), 5u);
  EXPECT_EQ(table.held().size(), 2u);
  EXPECT_EQ(table.Slot(3 * 16 + 5, 16), static_cast<std::int32_t>((*blocks)[0]) * 16 + 5);
  table.Release(allocator);
  EXPECT_EQ(allocator.num_free(), 4);
}

TEST(BlockTableTest, AWindowEndsAtItsOwnPosition) {
  EXPECT_EQ(FirstVisible(100, 0), 0);
  EXPECT_EQ(FirstVisible(100, 1), 100);
  EXPECT_EQ(FirstVisible(100, 30), 71);
  EXPECT_EQ(FirstVisible(10, 30), 0);
}

// Sequences grow, are computed, share prefixes and end, under a window each.
class BlockTablePropertyTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr std::int32_t kNumBlocks = 40;
  static constexpr std::int32_t kBlockSize = 4;

  struct Sequence {
    BlockTable table;
    std::int64_t num_computed = 0;
  };

  std::int32_t Random(std::int32_t min, std::int32_t max) {
    return std::uniform_int_distribution(min, max)(random_);
  }
  std::int64_t Room(const Sequence& sequence) const {
    return static_cast<std::int64_t>(sequence.table.blocks().size()) * kBlockSize;
  }
  std::int64_t FirstBlock(const Sequence& sequence) const {
    return FirstVisible(sequence.num_computed, window_) / kBlockSize;
  }

  void Advance(Sequence& sequence) {
    const std::int64_t to = sequence.num_computed + Random(1, 9);
    if (!sequence.table.Grow(to, allocator_).ok()) return;
    sequence.num_computed = to;
    sequence.table.ReleaseBefore(FirstVisible(to, window_), allocator_);
  }

  // A sequence that begins with full blocks of another, if the window at their end is still there.
  void Fork(const Sequence& from) {
    const std::int64_t num_blocks = Random(0, static_cast<std::int32_t>(from.num_computed)) / 4;
    Sequence fork = {.table = {}, .num_computed = num_blocks * kBlockSize};
    const std::int64_t first = FirstBlock(fork);
    const auto blocks = from.table.blocks().subspan(static_cast<std::size_t>(first),
                                                    static_cast<std::size_t>(num_blocks - first));
    if (std::ranges::find(blocks, kNoBlock) != blocks.end()) return;
    allocator_.Share(blocks);
    fork.table.Adopt(first, blocks);
    sequences_.push_back(std::move(fork));
  }

  void Act() {
    const std::int32_t action = Random(0, 9);
    if (sequences_.empty() || action == 0) {
      sequences_.emplace_back();
      return;
    }
    const auto index =
        static_cast<std::size_t>(Random(0, static_cast<std::int32_t>(sequences_.size()) - 1));
    if (action == 1) {
      Fork(sequences_[index]);
    } else if (action == 2) {
      sequences_[index].table.Release(allocator_);
      sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      Advance(sequences_[index]);
    }
  }

  void ExpectSound() {
    std::set<BlockId> used;
    std::map<BlockId, int> writers;
    for (const Sequence& sequence : sequences_) {
      ASSERT_LE(sequence.num_computed, Room(sequence));
      const auto blocks = sequence.table.blocks();
      std::set<BlockId> own;
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto block = static_cast<std::int64_t>(i);
        if (block < FirstBlock(sequence)) {
          ASSERT_EQ(blocks[i], kNoBlock);
          continue;
        }
        ASSERT_NE(blocks[i], kNoBlock) << "block " << i << " is in the window";
        ASSERT_TRUE(own.insert(blocks[i]).second);
        if ((block + 1) * kBlockSize > sequence.num_computed) ++writers[blocks[i]];
      }
      ASSERT_EQ(sequence.table.held().size(), own.size());
      used.insert(own.begin(), own.end());
    }
    for (const auto& [block, count] : writers) ASSERT_EQ(count, 1);
    ASSERT_EQ(static_cast<std::int32_t>(used.size()) + allocator_.num_free(), kNumBlocks);
  }

  std::mt19937 random_{GetParam()};
  const std::int32_t window_ = Random(0, 3) == 0 ? 0 : Random(1, 30);
  BlockAllocator allocator_{kNumBlocks, kBlockSize};
  std::vector<Sequence> sequences_;
};

TEST_P(BlockTablePropertyTest, WhatIsVisibleIsHeldAndTheRestIsFree) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam() << ", window " << window_);
  for (int i = 0; i < 3000; ++i) {
    Act();
    ASSERT_NO_FATAL_FAILURE(ExpectSound()) << "step " << i;
  }
  for (Sequence& sequence : sequences_) sequence.table.Release(allocator_);
  EXPECT_EQ(allocator_.num_free(), kNumBlocks);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BlockTablePropertyTest, ::testing::Range(0u, 40u));

}  // namespace
}  // namespace quire::engine
