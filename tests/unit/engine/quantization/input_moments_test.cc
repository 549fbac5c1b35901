#include "engine/quantization/input_moments.h"

#include <gmock/gmock.h>

#include "kernels/device.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/engine/quantization/quantized_inputs.h"

namespace quire::engine {
namespace {

using testing::CorrelatedInputs;
using testing::HasCode;
using testing::IsOk;
using testing::MomentsOf;
using testing::View;

TEST(InputMomentsTest, MomentsOfAllCallsAddUp) {
  constexpr std::int64_t in = 33;
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const auto observer = MomentObserver::Create({"layer"}, **device);
  ASSERT_THAT(observer, IsOk());
  const std::vector<float> x = CorrelatedInputs(40, in);
  const std::vector<float> first(x.begin(), x.begin() + 7 * in);
  const std::vector<float> rest(x.begin() + 7 * in, x.end());
  (*observer)->OnInput("layer", View(first, in));
  (*observer)->OnInput("another", View(first, in));
  (*observer)->OnInput("layer", View(rest, in));
  const auto moments = (*observer)->Finish();
  ASSERT_THAT(moments, IsOk());
  ASSERT_EQ(moments->size(), 1u);
  const InputMoments& found = moments->at("layer");
  const InputMoments wanted = MomentsOf(x, in);
  EXPECT_EQ(found.num_tokens, 40);
  ASSERT_EQ(found.gram.size(), wanted.gram.size());
  for (std::size_t i = 0; i < wanted.gram.size(); ++i) {
    EXPECT_NEAR(found.gram[i], wanted.gram[i], 1e-4 * (1 + std::abs(wanted.gram[i])));
  }
  for (std::size_t k = 0; k < wanted.abs_sum.size(); ++k) {
    EXPECT_NEAR(found.abs_sum[k], wanted.abs_sum[k], 1e-3);
  }
}

TEST(InputMomentsTest, ALayerThatWasNotRunIsAnError) {
  const auto device = kernels::FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const auto observer = MomentObserver::Create({"layer"}, **device);
  ASSERT_THAT(observer, IsOk());
  EXPECT_THAT((*observer)->Finish(), HasCode(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace quire::engine
