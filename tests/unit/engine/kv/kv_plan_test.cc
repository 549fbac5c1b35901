#include "engine/kv/kv_plan.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::FailsWith;
using testing::IsOk;

constexpr std::int64_t kGibibyte = std::int64_t{1} << 30;

// 32 layers of 8 heads of 128 elements in f32: 256 KiB a token, 4 MiB a block.
constexpr KvDemand kDemand = {
    .shape = {.num_layers = 32, .num_kv_heads = 8, .head_dim = 128, .block_size = 16},
    .context_tokens = 32'768,
    .max_sequences = 32};
constexpr std::int64_t kContextBytes = 8 * kGibibyte;

TEST(KvPlanTest, AMixOfSequencesGetsHalfAContextEachAsFarAsHalfTheMemoryGoes) {
  const auto roomy = PlanKvBlocks(kDemand, 1000 * kGibibyte);
  ASSERT_THAT(roomy, IsOk());
  EXPECT_EQ(*roomy, 32 * 1024);
  const auto half = PlanKvBlocks(kDemand, 100 * kGibibyte);
  ASSERT_THAT(half, IsOk());
  EXPECT_EQ(*half, 50 * 256);
}

TEST(KvPlanTest, OneWholeContextMayTakeMoreThanHalf) {
  const auto blocks = PlanKvBlocks(kDemand, kContextBytes + 5);
  ASSERT_THAT(blocks, IsOk());
  EXPECT_EQ(*blocks, 2048);
}

TEST(KvPlanTest, WhatDoesNotFitIsSaidWithWhatWould) {
  EXPECT_THAT(PlanKvBlocks(kDemand, 5 * kGibibyte + (1 << 20)),
              FailsWith(absl::StatusCode::kResourceExhausted,
                        "KV cache: wanted 8.0 GiB for one context of 32768 tokens, have 5.0 GiB; "
                        "--context-tokens 20480 would fit, or --kv-cache-type bf16"));
  // int8 with its scales takes 33/128 of f32: 2.1 GiB.
  EXPECT_THAT(PlanKvBlocks(kDemand, 3 * kGibibyte),
              FailsWith(absl::StatusCode::kResourceExhausted,
                        "have 3.0 GiB; --context-tokens 12288 would fit, or --kv-cache-type int8"));
  EXPECT_THAT(PlanKvBlocks(kDemand, 2 * kGibibyte),
              FailsWith(absl::StatusCode::kResourceExhausted, "--context-tokens 8192 would fit"));
  EXPECT_THAT(PlanKvBlocks(kDemand, 0),
              FailsWith(absl::StatusCode::kResourceExhausted, "have 0.0 MiB"));
}

TEST(KvPlanTest, WhatItAdvisesFits) {
  const std::int64_t free_bytes = 5 * kGibibyte + 12'345;
  KvDemand demand = kDemand;
  demand.context_tokens = 20'480;
  EXPECT_THAT(PlanKvBlocks(demand, free_bytes), IsOk());
  demand.context_tokens = 20'481;
  EXPECT_FALSE(PlanKvBlocks(demand, free_bytes).ok());
  demand = kDemand;
  demand.shape.dtype = kernels::DType::kBF16;
  EXPECT_THAT(PlanKvBlocks(demand, free_bytes), IsOk());
}

TEST(KvPlanTest, ABudgetIsTakenAtItsWord) {
  KvDemand demand = kDemand;
  demand.budget_bytes = 10 * kGibibyte;
  const auto blocks = PlanKvBlocks(demand, kGibibyte);
  ASSERT_THAT(blocks, IsOk());
  EXPECT_EQ(*blocks, 2560);
  demand.budget_bytes = 4 * kGibibyte;
  EXPECT_THAT(PlanKvBlocks(demand, 100 * kGibibyte),
              FailsWith(absl::StatusCode::kResourceExhausted, "have 4.0 GiB"));
}

TEST(KvPlanTest, AbsurdDemandsAreRefused) {
  KvDemand demand = kDemand;
  demand.context_tokens = std::numeric_limits<std::int32_t>::max();
  demand.shape.head_dim = 1 << 20;
  demand.shape.num_kv_heads = 1 << 12;
  EXPECT_FALSE(PlanKvBlocks(demand, 1000 * kGibibyte).ok());
}

}  // namespace
}  // namespace quire::engine
