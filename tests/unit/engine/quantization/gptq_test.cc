#include "engine/quantization/gptq.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "kernels/quant/quantized_weight.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/quantization/quantized_inputs.h"

namespace quire::engine {
namespace {

using testing::CorrelatedInputs;
using testing::HasCode;
using testing::IsOk;
using testing::kTestIn;
using testing::MomentsOf;
using testing::OutputError;
using testing::RandomWeight;
using testing::View;

constexpr std::int64_t kOut = 20;

std::vector<float> Values(const kernels::GroupCodes& codes) {
  return kernels::DecodeQuantizedWeight(*kernels::NewGroupWeight(codes));
}

std::vector<float> Quantized(const std::vector<float>& weight, const InputMoments& moments,
                             const GptqOptions& options) {
  const auto inputs = PrepareGptq(moments, options);
  EXPECT_THAT(inputs, IsOk());
  return Values(QuantizeGptq(View(weight, kTestIn), *inputs, options));
}

TEST(GptqTest, OutputsErrFarLessThanRoundedOnes) {
  const std::vector<float> x = CorrelatedInputs(300, kTestIn);
  const std::vector<float> weight = RandomWeight(kOut, kTestIn);
  const double rounded = OutputError(
      weight, Values(kernels::RoundGroups(View(weight, kTestIn), /*group_size=*/32)), x, kTestIn);
  for (const bool act_order : {false, true}) {
    const double error = OutputError(
        weight,
        Quantized(weight, MomentsOf(x, kTestIn), {.group_size = 32, .act_order = act_order}), x,
        kTestIn);
    EXPECT_LT(error, 0.5 * rounded) << act_order;
    EXPECT_GT(error, 0);
  }
}

TEST(GptqTest, ThreadsAndTilesChangeNothing) {
  const InputMoments moments = MomentsOf(CorrelatedInputs(300, kTestIn), kTestIn);
  const std::vector<float> weight = RandomWeight(kOut, kTestIn);
  EXPECT_EQ(Quantized(weight, moments, {.group_size = 32, .num_threads = 1}),
            Quantized(weight, moments, {.group_size = 32, .num_threads = 3}));
}

TEST(GptqTest, ActOrderGroupsTheLargestInputs) {
  const InputMoments moments = MomentsOf(CorrelatedInputs(300, kTestIn), kTestIn);
  const GptqOptions options = {.group_size = 32, .act_order = true};
  const auto inputs = PrepareGptq(moments, options);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_TRUE(std::is_sorted(inputs->importance.rbegin(), inputs->importance.rend()));
  const std::vector<float> weight = RandomWeight(1, kTestIn);
  const kernels::GroupCodes codes = QuantizeGptq(View(weight, kTestIn), *inputs, options);
  // Channels 3, 20, 37, 54, 71 and 88 are the large ones.
  for (const std::size_t k : {3u, 20u, 37u, 54u, 71u, 88u}) EXPECT_EQ(codes.group_of_input[k], 0);
  for (std::int32_t g = 0; g < 3; ++g) {
    EXPECT_EQ(std::count(codes.group_of_input.begin(), codes.group_of_input.end(), g), 32);
  }
}

TEST(GptqTest, ValuesOnTheGridStayWhatTheyAre) {
  std::vector<float> weight;
  for (std::int64_t i = 0; i < 2 * kTestIn; ++i) {
    weight.push_back(0.25f * static_cast<float>(i % 15 - 7));  // -7 to 7 steps in every group
  }
  const InputMoments moments = MomentsOf(CorrelatedInputs(300, kTestIn), kTestIn);
  EXPECT_EQ(Quantized(weight, moments, {.group_size = 32}), weight);
}

TEST(GptqTest, InputsThatAreAllZeroMeanRounding) {
  InputMoments moments = MomentsOf(std::vector<float>(kTestIn, 0.0f), kTestIn);
  const std::vector<float> weight = RandomWeight(2, kTestIn);
  const std::vector<float> quantized = Quantized(weight, moments, {.group_size = 32});
  for (std::size_t i = 0; i < weight.size(); ++i) EXPECT_NEAR(quantized[i], weight[i], 0.03) << i;
}

TEST(GptqTest, InputsThatAreNoNumbersAreAnError) {
  InputMoments moments = MomentsOf(CorrelatedInputs(300, kTestIn), kTestIn);
  moments.gram[5] = std::nanf("");
  EXPECT_THAT(PrepareGptq(moments, {.group_size = 32}), HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace quire::engine
