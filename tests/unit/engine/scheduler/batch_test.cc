#include "engine/scheduler/batch.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using Ints = std::vector<std::int32_t>;

TEST(BatchTest, SequencesAreLaidOutOneAfterTheOther) {
  BlockAllocator allocator(/*num_blocks=*/8, /*block_size=*/4);
  Request request;
  request.prompt = {10, 11, 12, 13, 14};
  Sequence first = MakeSequence(request, 0);
  request.prompt = {20, 21};
  Sequence second = MakeSequence(request, 0);
  ASSERT_THAT(first.blocks.Grow(5, allocator), testing::IsOk());   // blocks 0 and 1
  ASSERT_THAT(second.blocks.Grow(2, allocator), testing::IsOk());  // block 2
  first.num_computed = 3;

  const Batch batch = {
      .entries = {{.sequence = &first, .num_tokens = 2}, {.sequence = &second, .num_tokens = 1}}};
  ForwardBatch forward;
  for (int repeat = 0; repeat < 2; ++repeat) {  // the second time into used memory
    FillForwardBatch(batch, 4, forward);
    EXPECT_EQ(forward.ids, (Ints{13, 14, 20}));
    EXPECT_EQ(forward.positions, (Ints{3, 4, 0}));
    EXPECT_EQ(forward.slot_mapping, (Ints{3, 4, 8}));
    EXPECT_EQ(forward.cu_seqlens, (Ints{0, 2, 3}));
    EXPECT_EQ(forward.kv_lens, (Ints{5, 1}));
    EXPECT_EQ(forward.max_blocks, 2);
    EXPECT_EQ(forward.block_table, (Ints{0, 1, 2, 0}));
  }
  EXPECT_EQ(batch.num_tokens(), 3);
  EXPECT_TRUE(batch.entries[0].completes());
  EXPECT_FALSE(batch.entries[1].completes());
}

}  // namespace
}  // namespace quire::engine
