#include "retrieval/index/chunk_filter.h"

#include <gmock/gmock.h>

namespace quire::retrieval {
namespace {

TEST(ChunkFilterTest, ContainsItsRangesAlone) {
  const ChunkFilter filter({{ChunkId{20}, 2}, {ChunkId{5}, 1}});
  for (const std::uint64_t in : {5, 20, 21}) EXPECT_TRUE(filter.Contains(ChunkId{in})) << in;
  for (const std::uint64_t out : {0, 4, 6, 19, 22})
    EXPECT_FALSE(filter.Contains(ChunkId{out})) << out;
}

TEST(ChunkFilterTest, WithoutRangesContainsNothing) {
  EXPECT_FALSE(ChunkFilter({}).Contains(ChunkId{0}));
}

}  // namespace
}  // namespace quire::retrieval
