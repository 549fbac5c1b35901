#include "engine/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire::engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kMebibyte = 1 << 20;

MemoryPlan BothModels() {
  return {
      .device = {},
      .available_bytes = 8192 * kMebibyte,
      .embedding = ModelMemory{.weight_bytes = 87 * kMebibyte, .workspace_bytes = 50 * kMebibyte},
      .reranking = std::nullopt,
      .language = ModelMemory{.weight_bytes = 2048 * kMebibyte, .workspace_bytes = 98 * kMebibyte},
      .kv = {.size_bytes = 3072 * kMebibyte,
             .num_blocks = 768,
             .block_size = 16,
             .dtype = kernels::DType::kI8,
             .context_tokens = 4096}};
}

TEST(MemoryPlanTest, OneLineSaysWhoGetsWhat) {
  EXPECT_THAT(
      Describe(BothModels()),
      ElementsAre("memory: 5.2 GiB planned of 8.0 GiB available; language model 2.0 GiB of "
                  "weights and 98.0 MiB of workspace; KV cache 3.0 GiB (int8, 768 blocks of "
                  "16 tokens, contexts of up to 4096); embedding model 87.0 MiB of weights "
                  "and 50.0 MiB of workspace"));
}

TEST(MemoryPlanTest, ADevicesOwnMemoryIsNamed) {
  MemoryPlan plan = BothModels();
  plan.kv.host_tier_bytes = 512 * kMebibyte;
  const std::int64_t in_the_host = plan.total_bytes();
  plan.device = "cuda:0/sm90";
  EXPECT_EQ(in_the_host - plan.total_bytes(), 512 * kMebibyte);
  EXPECT_THAT(Describe(plan),
              ElementsAre(AllOf(HasSubstr("memory of cuda:0/sm90: 5.2 GiB planned of 8.0 GiB"),
                                HasSubstr("; its host tier 512.0 MiB of the host's memory"))));
  plan.available_bytes = 1024 * kMebibyte;
  EXPECT_EQ(Describe(plan)[1],
            "memory of cuda:0/sm90: 4.2 GiB more than there is: expect steps to fail");
}

TEST(MemoryPlanTest, AModelThatIsNotThereIsNotMentioned) {
  MemoryPlan plan = BothModels();
  plan.language.reset();
  plan.kv = {};
  EXPECT_THAT(Describe(plan),
              ElementsAre("memory: 137.0 MiB planned of 8.0 GiB available; embedding "
                          "model 87.0 MiB of weights and 50.0 MiB of workspace"));
}

TEST(MemoryPlanTest, ARerankingModelCounts) {
  MemoryPlan plan = BothModels();
  const std::int64_t without = plan.total_bytes();
  plan.reranking = ModelMemory{.weight_bytes = 90 * kMebibyte, .workspace_bytes = kMebibyte};
  EXPECT_EQ(plan.total_bytes() - without, 91 * kMebibyte);
  EXPECT_THAT(Describe(plan),
              ElementsAre(HasSubstr("; reranking model 90.0 MiB of weights and 1.0 MiB of")));
}

TEST(MemoryPlanTest, TooMuchIsSaidWithTheCacheThatWouldFit) {
  MemoryPlan plan = BothModels();
  plan.available_bytes = 4096 * kMebibyte;
  ASSERT_EQ(Describe(plan).size(), 2u);
  const std::int64_t fitting = (4096 - 87 - 50 - 2048 - 98) * kMebibyte;
  EXPECT_EQ(Describe(plan)[1],
            "memory: 1.2 GiB more than there is: expect swapping; "
            "--kv-cache-bytes " +
                std::to_string(fitting) + " would fit");
  plan.kv.size_bytes = fitting;
  EXPECT_EQ(Describe(plan).size(), 1u);
  plan.available_bytes = 1024 * kMebibyte;
  EXPECT_EQ(Describe(plan)[1], "memory: 3.0 GiB more than there is: expect swapping");
}

}  // namespace
}  // namespace quire::engine
