#include "engine/kv/prefix_match.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/kv/block_table.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

constexpr std::int32_t kMatchBlockSize = 4;

// Ten blocks in a chain, of which those in `present` are in the cache.
class PrefixMatchTest : public ::testing::Test {
 protected:
  PrefixMatchTest() {
    for (TokenId i = 0; i < 10; ++i) {
      const std::vector<TokenId> tokens(kMatchBlockSize, i);
      keys_.push_back(NextBlockKey(keys_.empty() ? BlockKey() : keys_.back(), tokens));
    }
    blocks_ = *allocator_.Allocate(10);
  }

  PrefixMatch Find(const std::vector<std::size_t>& present, std::int32_t window) {
    allocator_.ForgetKeys();
    for (const std::size_t i : present) allocator_.SetKey(blocks_[i], keys_[i]);
    return FindPrefix(keys_, window, allocator_);
  }

  void ExpectMatch(const PrefixMatch& match, std::size_t begin, std::size_t end) const {
    EXPECT_EQ(match.num_absent, static_cast<std::int64_t>(begin));
    EXPECT_EQ(match.num_blocks(), static_cast<std::int64_t>(end));
    const auto offset = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
    EXPECT_EQ(match.blocks,
              std::vector(blocks_.begin() + offset(begin), blocks_.begin() + offset(end)));
  }

  BlockAllocator allocator_{10, kMatchBlockSize};
  std::vector<BlockKey> keys_;
  std::vector<BlockId> blocks_;
};

TEST_F(PrefixMatchTest, WithoutAWindowItEndsAtTheFirstGap) {
  ExpectMatch(Find({0, 1, 2, 4, 5}, 0), 0, 3);
  ExpectMatch(Find({1, 2, 3}, 0), 0, 0);
  ExpectMatch(Find({}, 0), 0, 0);
}

TEST_F(PrefixMatchTest, AGapBeforeTheWindowDoesNotMatter) {
  // Position 24 sees 24 - 8 = 16 to 24 of a window of 9: blocks 4 and 5.
  ExpectMatch(Find({0, 4, 5}, 9), 4, 6);
  // With 10 it sees position 15, in block 3.
  ExpectMatch(Find({0, 4, 5}, 10), 0, 1);
}

TEST_F(PrefixMatchTest, TheLongestWholeWindowCounts) {
  ExpectMatch(Find({0, 1, 2, 3, 5, 6, 9}, 6), 5, 7);
  ExpectMatch(Find({0, 1, 2, 3, 5, 7, 9}, 6), 2, 4);
}

TEST_F(PrefixMatchTest, AWindowOfOneTokenNeedsNoBlock) {
  // The next token sees itself alone, which no block holds yet; a block that is there says that the
  // prefix was computed.
  ExpectMatch(Find({6}, 1), 7, 7);
}

TEST_F(PrefixMatchTest, RandomGapsAreTreatedAsTheDefinitionSays) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::size_t> present;
    for (std::size_t i = 0; i < 10; ++i) {
      if (random() % 4 != 0) present.push_back(i);
    }
    const auto window = static_cast<std::int32_t>(random() % 45);
    const PrefixMatch match = Find(present, window);
    // Every candidate, from the longest.
    std::size_t wanted_end = 10;
    std::size_t wanted_begin = 0;
    const auto is_whole = [&](std::size_t begin, std::size_t end) {
      std::size_t count = 0;
      for (const std::size_t i : present) count += i >= begin && i < end ? 1 : 0;
      return count == end - begin &&
             (begin < end || std::ranges::find(present, end - 1) != present.end());
    };
    for (; wanted_end > 0; --wanted_end) {
      const auto position = static_cast<std::int64_t>(wanted_end) * kMatchBlockSize;
      wanted_begin = static_cast<std::size_t>(FirstVisible(position, window) / kMatchBlockSize);
      if (is_whole(wanted_begin, wanted_end)) break;
    }
    if (wanted_end == 0) wanted_begin = 0;
    SCOPED_TRACE(::testing::Message() << "round " << round << ", window " << window);
    ExpectMatch(match, wanted_begin, wanted_end);
  }
}

}  // namespace
}  // namespace quire::engine
