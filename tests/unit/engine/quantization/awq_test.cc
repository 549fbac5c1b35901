#include "engine/quantization/awq.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "kernels/device.h"
#include "kernels/quant/group_codes.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/quantization/quantized_inputs.h"

namespace quire::engine {
namespace {

using testing::CorrelatedInputs;
using testing::IsOk;
using testing::kTestIn;
using testing::MomentsOf;
using testing::OutputError;
using testing::RandomWeight;
using testing::View;

// What a layer multiplies with after rounding under `factors`.
std::vector<float> Rounded(std::vector<float> weight, const std::vector<float>& factors) {
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= factors[i % kTestIn];
  std::vector<float> values = kernels::DecodeQuantizedWeight(
      *kernels::NewGroupWeight(kernels::RoundGroups(View(weight, kTestIn), 32)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= factors[i % kTestIn];
  return values;
}

TEST(AwqTest, FactorsFavourLargeChannelsAndLowerTheError) {
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const std::vector<float> x = CorrelatedInputs(300, kTestIn);
  const std::vector<float> weight = RandomWeight(20, kTestIn);
  const auto factors =
      SearchAwqFactors(std::vector{View(weight, kTestIn)}, MomentsOf(x, kTestIn), 32, **device);
  ASSERT_THAT(factors, IsOk());
  EXPECT_GT((*factors)[3], 1.5f * (*factors)[4]);
  EXPECT_LT(
      OutputError(weight, Rounded(weight, *factors), x, kTestIn),
      0.7 * OutputError(weight, Rounded(weight, std::vector<float>(kTestIn, 1.0f)), x, kTestIn));
}

TEST(AwqTest, InputsThatAreAllZeroGetFactorsOfOne) {
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const std::vector<float> weight = RandomWeight(20, kTestIn);
  const auto factors =
      SearchAwqFactors(std::vector{View(weight, kTestIn)},
                       MomentsOf(std::vector<float>(kTestIn, 0.0f), kTestIn), 32, **device);
  ASSERT_THAT(factors, IsOk());
  EXPECT_THAT(*factors, ::testing::Each(1.0f));
}

}  // namespace
}  // namespace quire::engine
