// A model with a window on every layer gives its old blocks back while it runs. What it computes
// then equals, bit for bit, what it computes with everything in place.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/engine_core.h"
#include "tests/support/devices.h"
#include "tests/support/model_core.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr char kDirectory[] = "tests/golden/engine/fixtures/mistral";  // a window of 11 tokens
constexpr std::int32_t kWindowBlockSize = 4;
constexpr std::int32_t kPromptTokens = 30;
constexpr std::int32_t kNewTokens = 70;

class SlidingWindowTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto device = kernels::FindDevice(GetParam());
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
  }

  std::unique_ptr<EngineCore> NewCore(std::int32_t num_blocks, kernels::DType dtype) {
    return testing::LoadCore(
        kDirectory, {.max_batch_tokens = 128},
        {.block_size = kWindowBlockSize,
         .num_blocks = num_blocks,
         .kv_cache_dtype = dtype,
         .limits = {.max_batch_tokens = 128, .max_sequences = 8, .prefix_cache = false}},
        *device_);
  }

  static std::vector<TokenId> Prompt(TokenId seed) {
    std::vector<TokenId> prompt;
    for (TokenId i = 0; i < kPromptTokens; ++i) prompt.push_back(3 + (seed * 7 + i * i) % 45);
    return prompt;
  }

  // The log-probs of all tokens of `tokens` but the first, from one pass.
  std::vector<float> ScoreAtOnce(const std::vector<TokenId>& tokens, kernels::DType dtype) {
    const auto core = NewCore(32, dtype);
    Request request;
    request.prompt = tokens;
    request.max_new_tokens = 0;
    request.num_prompt_logprobs = 0;
    Sequence sequence = MakeSequence(request, 0);
    EXPECT_THAT(core->Add(sequence), IsOk());
    const auto results = core->Step();
    EXPECT_THAT(results, IsOk());
    std::vector<float> logprobs;
    for (const ScoredToken& scored : (*results)[0].prompt_logprobs) {
      logprobs.push_back(scored.token.logprob);
    }
    core->Remove(sequence);
    return logprobs;
  }

  std::unique_ptr<kernels::Device> device_;
};

TEST_P(SlidingWindowTest, ReleasedBlocksAreNotMissed) {
  for (const kernels::DType dtype : {kernels::DType::kF32, kernels::DType::kI8}) {
    if (!device_->ValidateKvType(dtype).ok()) continue;
    // Four sequences of 100 tokens are 100 blocks. 8 + 4 + 4 + 4 are enough once the first prompts
    // are computed: a block that one gives back the others write.
    const auto core = NewCore(/*num_blocks=*/36, dtype);
    std::vector<std::unique_ptr<Sequence>> sequences;
    for (TokenId seed = 0; seed < 4; ++seed) {
      Request request;
      request.prompt = Prompt(seed);
      request.max_new_tokens = kNewTokens;
      request.num_logprobs = 0;
      sequences.push_back(std::make_unique<Sequence>(MakeSequence(std::move(request), 0)));
      ASSERT_THAT(core->Add(*sequences.back()), IsOk());
    }
    std::vector<std::vector<float>> logprobs(4);
    while (!core->scheduler().is_idle()) {
      const auto results = core->Step();
      ASSERT_THAT(results, IsOk());
      for (const StepResult& result : *results) {
        ASSERT_THAT(result.status, IsOk());
        Sequence& sequence = *result.sequence;
        const auto index = static_cast<std::size_t>(
            std::ranges::find_if(sequences, [&](const auto& s) { return s.get() == &sequence; }) -
            sequences.begin());
        for (const ScoredToken& token : result.tokens) {
          logprobs[index].push_back(token.token.logprob);
        }
        EXPECT_LE(sequence.blocks.held().size(), 4u);
        if (sequence.num_output_tokens() == kNewTokens) core->Remove(sequence);
      }
    }
    EXPECT_EQ(core->scheduler().num_preemptions(), 0);
    EXPECT_EQ(core->allocator().num_free(), 36);
    for (std::size_t s = 0; s < 4; ++s) {
      ASSERT_EQ(logprobs[s].size(), static_cast<std::size_t>(kNewTokens));
      const std::vector<float> at_once = ScoreAtOnce(sequences[s]->tokens, dtype);
      for (std::size_t i = 0; i < logprobs[s].size(); ++i) {
        ASSERT_EQ(logprobs[s][i], at_once[kPromptTokens - 1 + i]) << "token " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, SlidingWindowTest, ::testing::ValuesIn(testing::DeviceNames()),
                         [](const auto& device) { return testing::TestName(device.param); });

}  // namespace
}  // namespace quire::engine
