#include "engine/engine_benchmark.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/tiny_model.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;

TEST(EngineBenchmarkTest, EveryFigureIsMeasured) {
  const testing::TemporaryDirectory directory;
  testing::WriteTinyLlama(directory.path());
  const auto device = kernels::FindDevice("");
  ASSERT_THAT(device, IsOk());
  BenchmarkOptions options;
  options.model_path = directory.path();
  options.prompt_tokens = 20;
  options.new_tokens = 5;
  options.batch = 3;
  const auto result = BenchmarkEngine(options, **device);
  ASSERT_THAT(result, IsOk());
  EXPECT_GT(result->prefill_tokens_per_s, 0);
  EXPECT_GT(result->decode_tokens_per_s, 0);
  EXPECT_GT(result->weight_bytes, 0);
  EXPECT_GT(result->stream_bytes_per_s, 1e8);
  EXPECT_GT(result->f32_flops_per_s, 1e8);
  EXPECT_GT(result->bandwidth_share, 0);
  EXPECT_LT(result->bandwidth_share, 1.5);
  EXPECT_GT(result->prefill_flops_share, 0);
  EXPECT_LT(result->prefill_flops_share, 1.0);
  EXPECT_GT(result->peak_rss_bytes, result->weight_bytes);
}

TEST(EngineBenchmarkTest, ImpossibleOptionsAreRefused) {
  const auto device = kernels::FindDevice("");
  ASSERT_THAT(device, IsOk());
  BenchmarkOptions options;
  EXPECT_THAT(BenchmarkEngine(options, **device),
              FailsWith(StatusCode::kInvalidArgument, "neither"));
  options.shape = "gpt-5";
  EXPECT_THAT(BenchmarkEngine(options, **device), FailsWith(StatusCode::kNotFound, "gpt-5"));
  options.shape = "tinyllama-1.1b";
  options.batch = 0;
  EXPECT_THAT(BenchmarkEngine(options, **device), FailsWith(StatusCode::kInvalidArgument, "batch"));
  options.batch = 1;
  options.prompt_tokens = 2048;
  EXPECT_THAT(BenchmarkEngine(options, **device),
              FailsWith(StatusCode::kInvalidArgument, "at most 2048"));
}

}  // namespace
}  // namespace quire::engine
