#include "engine/sampling/constraints/mask_cache.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/byte_constraints.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using quire::testing::ByteConstraints;
using quire::testing::IsOk;

class MaskCacheTest : public ::testing::Test {
 protected:
  static ConstraintMatcher Matcher(const StatusOr<ByteConstraints::Compiled>& constraint,
                                   std::string_view text = "") {
    EXPECT_THAT(constraint, IsOk());
    ConstraintMatcher matcher(*constraint, false);
    for (const char byte : text) EXPECT_TRUE(matcher.Accept(static_cast<unsigned char>(byte)));
    return matcher;
  }

  ByteConstraints constraints_;
  MaskCache cache_;
};

TEST_F(MaskCacheTest, SamePlaceIsComputedOnce) {
  const auto constraint = constraints_.Regex("a*b");
  cache_.Get(Matcher(constraint));
  cache_.Get(Matcher(constraint, "aaa"));
  EXPECT_EQ(cache_.num_misses(), 1);
  EXPECT_EQ(cache_.num_hits(), 1);
  EXPECT_TRUE(cache_.Get(Matcher(constraint, "a")).Allows('b'));
  EXPECT_EQ(cache_.Get(Matcher(constraint, "b")).num_allowed(), 0);
}

TEST_F(MaskCacheTest, ConstraintsDoNotShare) {
  EXPECT_TRUE(cache_.Get(Matcher(constraints_.Regex("a"))).Allows('a'));
  EXPECT_FALSE(cache_.Get(Matcher(constraints_.Regex("b"))).Allows('a'));
}

TEST_F(MaskCacheTest, StringIsTheSameAtAnyDepth) {
  const auto constraint = constraints_.Schema("true");
  cache_.Get(Matcher(constraint, R"({"a":"x)"));
  const std::int64_t misses = cache_.num_misses();
  // The byte vocabulary cannot see behind the end of a string.
  cache_.Get(Matcher(constraint, R"([[[{"b":[{"c":"x)"));
  EXPECT_EQ(cache_.num_misses(), misses);
}

TEST_F(MaskCacheTest, WhatFollowsAValueDependsOnTheStack) {
  const auto constraint = constraints_.Schema("true");
  EXPECT_TRUE(cache_.Get(Matcher(constraint, "[1")).Allows(']'));
  EXPECT_FALSE(cache_.Get(Matcher(constraint, "[1")).Allows('}'));
  EXPECT_TRUE(cache_.Get(Matcher(constraint, R"({"a":1)")).Allows('}'));
  EXPECT_FALSE(cache_.Get(Matcher(constraint, "1")).Allows(']'));
}

TEST_F(MaskCacheTest, MemoryIsBoundedAndTheLastUsedStay) {
  MaskCache cache(4'096);
  const auto constraint = constraints_.Regex("[a-z]{200}");
  for (std::size_t i = 0; i < 200; ++i) {
    cache.Get(Matcher(constraint, std::string(i, 'a')));
    cache.Get(Matcher(constraint));
    EXPECT_LE(cache.num_bytes(), 4'096u);
  }
  EXPECT_EQ(cache.num_hits(), 200);  // the first place, each time but one; and once more at i = 0
}

TEST_F(MaskCacheTest, CachedMasksEqualComputedOnes) {
  const auto constraint =
      constraints_.Schema(R"({"properties": {"a": {"$ref": "#"}, "b": {"items": {"$ref": "#"}}}})");
  std::mt19937 random(17);
  for (int walk = 0; walk < 50; ++walk) {
    ConstraintMatcher matcher = Matcher(constraint);
    for (int step = 0; step < 300; ++step) {
      const ConstraintStep computed = AllowedTokens(matcher);
      const TokenMask& cached = cache_.Get(matcher);
      std::vector<TokenId> allowed;
      for (TokenId id = 0; id < 256; ++id) {
        ASSERT_EQ(cached.Allows(id), computed.mask.Allows(id))
            << "walk " << walk << " step " << step;
        if (cached.Allows(id)) allowed.push_back(id);
      }
      if (allowed.empty()) break;
      // Openers more often, so that the limit of depth is met.
      TokenId next = allowed[random() % allowed.size()];
      for (const char opener : {'{', '[', '"'}) {
        if (cached.Allows(opener) && random() % 4 != 0) next = opener;
      }
      ASSERT_TRUE(matcher.Accept(next));
    }
  }
  EXPECT_GT(cache_.num_hits(), 5 * cache_.num_misses());
}

}  // namespace
}  // namespace quire::engine
