#include "engine/kv/prefix_history.h"

#include <gtest/gtest.h>

namespace quire::engine {
namespace {

using Tokens = std::vector<TokenId>;

BlockKey KeyAfter(const BlockKey& parent, const Tokens& tokens) {
  return NextBlockKey(parent, tokens);
}

class PrefixHistoryTest : public ::testing::Test {
 protected:
  BlockKey Publish(const BlockKey& parent, const Tokens& tokens) {
    const BlockKey key = KeyAfter(parent, tokens);
    history_.OnPublished(parent, key, tokens);
    return key;
  }
  PrefixMissReason Explain(const BlockKey& parent, std::int32_t index, const Tokens& tokens) {
    return history_.Explain(parent, KeyAfter(parent, tokens), index, tokens);
  }

  const BlockKey root_ = RootBlockKey("");
  PrefixHistory history_{4};
};

TEST_F(PrefixHistoryTest, NothingWasComputed) {
  EXPECT_EQ(Explain(root_, 0, {1, 2}).miss, PrefixMiss::kUnseen);
  Publish(root_, {7, 2});
  // Another beginning is nothing to this prompt.
  EXPECT_EQ(Explain(root_, 0, {1, 2}).miss, PrefixMiss::kUnseen);
}

TEST_F(PrefixHistoryTest, TheLongestCommonPrefixTellsWhereAPromptDiffers) {
  const BlockKey first = Publish(root_, {1, 2, 3, 4});
  Publish(first, {5, 0, 0, 0});
  Publish(first, {5, 6, 7, 0});
  Publish(first, {0, 6, 7, 8});
  const PrefixMissReason reason = Explain(first, 1, {5, 6, 7, 8});
  EXPECT_EQ(reason.miss, PrefixMiss::kDiffers);
  EXPECT_EQ(reason.differs_at, 7);
  EXPECT_EQ(Explain(first, 1, {9, 9, 9, 9}).differs_at, 4);
}

TEST_F(PrefixHistoryTest, EvictedBlocksAreRememberedForAWhile) {
  const BlockKey key = Publish(root_, {1, 2});
  history_.OnEvicted(key);
  EXPECT_EQ(Explain(root_, 0, {1, 2}).miss, PrefixMiss::kEvicted);
  for (TokenId id = 10; id < 26; ++id) history_.OnEvicted(Publish(root_, {id, id}));
  EXPECT_EQ(Explain(root_, 0, {1, 2}).miss, PrefixMiss::kUnseen);
  EXPECT_EQ(Explain(root_, 0, {25, 25}).miss, PrefixMiss::kEvicted);
  Publish(root_, {25, 25});
  EXPECT_EQ(Explain(root_, 0, {25, 26}).miss, PrefixMiss::kDiffers);
}

TEST_F(PrefixHistoryTest, AClientLearnsOfItsOwnSaltsAlone) {
  const Tokens tokens = {1, 2};
  history_.OnBegun("a", "salt", tokens);
  EXPECT_TRUE(history_.HasOtherSalt("a", "pepper", tokens));
  EXPECT_FALSE(history_.HasOtherSalt("a", "salt", tokens));
  EXPECT_FALSE(history_.HasOtherSalt("b", "pepper", tokens));
  EXPECT_FALSE(history_.HasOtherSalt("a", "pepper", Tokens{1, 3}));
}

TEST_F(PrefixHistoryTest, ClearForgetsWhatWasPublished) {
  Publish(root_, {1, 2});
  history_.Clear();
  EXPECT_EQ(Explain(root_, 0, {1, 3}).miss, PrefixMiss::kUnseen);
}

}  // namespace
}  // namespace quire::engine
