#include "engine/model/random_weights.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "kernels/half.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr std::array<std::int64_t, 2> kModelShape = {101, 37};

std::vector<float> Values(const HostTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.view.rows * tensor.view.cols));
  kernels::ConvertToF32(tensor.view.dtype, tensor.view.data, values.data(),
                        static_cast<std::int64_t>(values.size()));
  return values;
}

TEST(RandomWeightsTest, SeedAndNameDecideTheValues) {
  const RandomWeights weights(1);
  const auto a = weights.Get("a", kModelShape);
  const auto again = weights.Get("a", kModelShape);
  const auto b = weights.Get("b", kModelShape);
  const auto other_seed = RandomWeights(2).Get("a", kModelShape);
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(again, IsOk());
  ASSERT_THAT(b, IsOk());
  ASSERT_THAT(other_seed, IsOk());
  EXPECT_EQ(Values(*a), Values(*again));
  EXPECT_NE(Values(*a), Values(*b));
  EXPECT_NE(Values(*a), Values(*other_seed));
}

TEST(RandomWeightsTest, MatricesAreSmallAndCentredVectorsAreOnes) {
  const RandomWeights weights(1);
  const auto matrix = weights.Get("a", kModelShape);
  ASSERT_THAT(matrix, IsOk());
  double sum = 0.0;
  double sum_of_squares = 0.0;
  for (const float value : Values(*matrix)) {
    ASSERT_LE(std::abs(value), 0.05f);
    sum += value;
    sum_of_squares += value * value;
  }
  const double count = 101 * 37;
  EXPECT_NEAR(sum / count, 0.0, 0.002);
  EXPECT_NEAR(sum_of_squares / count, 0.05 * 0.05 / 3, 0.0001);  // variance of a uniform one
  constexpr std::array<std::int64_t, 1> kSize = {5};
  const auto vector = weights.Get("v", kSize);
  ASSERT_THAT(vector, IsOk());
  EXPECT_EQ(Values(*vector), std::vector<float>(5, 1.0f));
}

}  // namespace
}  // namespace quire::engine
