// Steps that the device recorded give what steps give whose kernels are enqueued one by one.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_core.h"
#include "tests/support/devices.h"
#include "tests/support/model_core.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr std::int32_t kReplayedTokens = 48;  // of the longest output
constexpr std::int32_t kBatchTokens = 64;

struct ReplayedRun {
  std::vector<std::vector<TokenId>> tokens;  // of each sequence
  std::int64_t num_steps = 0;
  std::int64_t num_replays = 0;
};

class ReplayedStepsTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto device = kernels::FindDevice(GetParam());
    ASSERT_THAT(device, IsOk());
    device_ = *std::move(device);
  }

  std::unique_ptr<EngineCore> NewCore(const std::string& model, kernels::DType cache,
                                      bool record_steps) {
    return testing::LoadCore(
        "tests/golden/engine/fixtures/" + model,
        {.max_batch_tokens = kBatchTokens, .record_steps = record_steps},
        {.block_size = 4,
         .num_blocks = 100,
         .kv_cache_dtype = cache,
         .limits = {.max_batch_tokens = kBatchTokens, .max_sequences = 8, .prefix_cache = false}},
        *device_);
  }

  static Request RequestFor(TokenId seed) {
    Request request;
    for (TokenId i = 0; i < 9 + 5 * seed; ++i)
      request.prompt.push_back(3 + (seed * 7 + i * i) % 29);
    request.max_new_tokens = kReplayedTokens - 10 * seed;
    if (seed == 1) request.sampling.temperature = 1.0f;
    return request;
  }

  // Three outputs that begin and end at different steps.
  ReplayedRun Run(const std::string& model, kernels::DType cache, bool record_steps) {
    const auto core = NewCore(model, cache, record_steps);
    std::deque<Sequence> sequences;
    ReplayedRun run;
    for (std::int64_t num_running = 0; run.num_steps < 200; ++run.num_steps) {
      if (run.num_steps % 7 == 0 && sequences.size() < 3) {
        const auto seed = static_cast<TokenId>(sequences.size());
        sequences.push_back(MakeSequence(RequestFor(seed), static_cast<std::uint64_t>(seed)));
        EXPECT_THAT(core->Add(sequences.back()), IsOk());
        ++num_running;
      }
      if (num_running == 0) break;
      const auto results = core->Step();
      EXPECT_THAT(results, IsOk());
      if (!results.ok()) break;
      for (const StepResult& result : *results) {
        EXPECT_THAT(result.status, IsOk());
        const Sequence& sequence = *result.sequence;
        if (sequence.num_output_tokens() < sequence.request.max_new_tokens) continue;
        core->Remove(*result.sequence);
        --num_running;
      }
    }
    for (const Sequence& sequence : sequences) run.tokens.push_back(sequence.tokens);
    run.num_replays = core->transformer().num_replays();
    return run;
  }

  std::unique_ptr<kernels::Device> device_;
};

TEST_P(ReplayedStepsTest, GiveTheSameTokens) {
  for (const char* model : {"gptq4", "mistral", "gpt2", "gemma2_nf4"}) {
    SCOPED_TRACE(model);
    for (const kernels::DType cache : {kernels::DType::kF32, kernels::DType::kI8}) {
      const ReplayedRun wanted = Run(model, cache, /*record_steps=*/false);
      const ReplayedRun have = Run(model, cache, /*record_steps=*/true);
      EXPECT_EQ(wanted.num_replays, 0);
      EXPECT_EQ(have.tokens, wanted.tokens);
      EXPECT_EQ(have.num_steps, wanted.num_steps);
      if (!GetParam().starts_with("cpu")) {
        EXPECT_GT(have.num_replays, have.num_steps / 2);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ReplayedStepsTest, ::testing::ValuesIn(testing::DeviceNames()),
                         [](const auto& test) { return testing::TestName(test.param); });

}  // namespace
}  // namespace quire::engine
