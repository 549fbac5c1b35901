#include "engine/sampling/sampling_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;

constexpr std::int32_t kVocabSize = 1000;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

void ExpectRefused(const SamplingParams& params, const char* field) {
  EXPECT_THAT(Validate(params, kVocabSize), FailsWith(StatusCode::kInvalidArgument, field));
}

TEST(SamplingParamsTest, FieldsOutOfRangeAreNamed) {
  EXPECT_THAT(Validate(SamplingParams{}, kVocabSize), IsOk());
  for (const float bad : {-0.1f, kNan, kInfinity}) {
    ExpectRefused({.temperature = bad}, "temperature");
  }
  ExpectRefused({.top_k = -1}, "top_k");
  for (const float bad : {0.0f, 1.1f, -1.0f, kNan, kInfinity, -kInfinity}) {
    ExpectRefused({.top_p = bad}, "top_p");
    ExpectRefused({.typical_p = bad}, "typical_p");
  }
  for (const float bad : {-0.1f, 1.1f, kNan, kInfinity}) ExpectRefused({.min_p = bad}, "min_p");
  for (const float bad : {0.0f, 0.09f, 10.1f, -1.0f, kNan, kInfinity, -kInfinity}) {
    ExpectRefused({.repetition_penalty = bad}, "repetition_penalty");
  }
  for (const float bad : {-2.1f, 2.1f, kNan, kInfinity, -kInfinity}) {
    ExpectRefused({.presence_penalty = bad}, "presence_penalty");
    ExpectRefused({.frequency_penalty = bad}, "frequency_penalty");
  }
}

TEST(SamplingParamsTest, LimitsThemselvesAreAccepted) {
  for (const float penalty : {-2.0f, 2.0f}) {
    EXPECT_THAT(Validate({.presence_penalty = penalty, .frequency_penalty = penalty}, kVocabSize),
                IsOk());
  }
  for (const float penalty : {0.1f, 10.0f}) {
    EXPECT_THAT(Validate({.repetition_penalty = penalty}, kVocabSize), IsOk());
  }
  SamplingParams params;
  for (TokenId id = 0; id < 256; ++id) {
    params.logit_bias.push_back({.id = id, .bias = id % 2 == 0 ? 100.0f : -100.0f});
  }
  EXPECT_THAT(Validate(params, kVocabSize), IsOk());
}

TEST(SamplingParamsTest, BiasesAreFewDistinctAndBounded) {
  SamplingParams params;
  for (TokenId id = 0; id < 257; ++id) params.logit_bias.push_back({.id = id, .bias = 1.0f});
  ExpectRefused(params, "logit_bias: wanted at most 256");
  for (const TokenId id : {-1, 1000}) {
    params.logit_bias = {{.id = id, .bias = 1.0f}};
    ExpectRefused(params, "wanted a token id in [0, 1000)");
  }
  for (const float bad : {-100.1f, 100.1f, kNan, kInfinity}) {
    params.logit_bias = {{.id = 5, .bias = bad}};
    ExpectRefused(params, "logit_bias[5]");
  }
  params.logit_bias = {{.id = 5, .bias = 1.0f}, {.id = 6, .bias = 1.0f}, {.id = 5, .bias = 2.0f}};
  ExpectRefused(params, "logit_bias[5]");
}

}  // namespace
}  // namespace quire::engine
