#include "engine/sampling/token_counts.h"

#include <gmock/gmock.h>

namespace quire::engine {
namespace {

TEST(TokenCountsTest, CountsOutputAndRemembersThePrompt) {
  TokenCounts counts;
  counts.AddPrompt(std::vector<TokenId>{7, 5, 7});
  for (const TokenId id : {5, 9, 9}) counts.AddOutput(id);
  ASSERT_EQ(counts.entries().size(), 3u);
  EXPECT_EQ(counts.entries()[0].id, 7);
  EXPECT_EQ(counts.entries()[0].num_in_output, 0);
  EXPECT_EQ(counts.entries()[1].id, 5);
  EXPECT_EQ(counts.entries()[1].num_in_output, 1);
  EXPECT_EQ(counts.entries()[2].id, 9);
  EXPECT_EQ(counts.entries()[2].num_in_output, 2);
}

TEST(TokenCountsTest, AStepCostsDistinctTokens) {
  TokenCounts counts;
  for (int i = 0; i < 100'000; ++i) counts.AddOutput(i % 10);
  EXPECT_EQ(counts.entries().size(), 10u);
  EXPECT_EQ(counts.entries()[3].num_in_output, 10'000);
}

}  // namespace
}  // namespace quire::engine
