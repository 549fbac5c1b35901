#include "engine/quantization/inverse_factor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace quire::engine {
namespace {

// Sizes within, at and beyond a block of columns, on one thread and on several.
TEST(InverseFactorTest, UtUTimesHIsTheIdentity) {
  for (const std::int64_t n : {1, 2, 63, 64, 65, 150}) {
    for (const int num_threads : {1, 3}) {
      std::mt19937 random(1);
      std::normal_distribution<double> normal;
      const auto size = static_cast<std::size_t>(n);
      std::vector<double> x(size * size);
      for (double& value : x) value = normal(random);
      std::vector<double> h(size * size);
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
          for (std::size_t k = 0; k < size; ++k)
            h[i * size + j] += x[i * size + k] * x[j * size + k];
        }
        h[i * size + i] += 1;
      }
      std::vector<double> overwritten = h;
      const std::vector<float> u = InverseUpperFactor(overwritten, n, num_threads);
      ASSERT_EQ(u.size(), size * size);
      // U H has the inverse of U^T for a result, so U H U^T is the identity.
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < i; ++j) EXPECT_EQ(u[i * size + j], 0.0f);
      }
      std::vector<double> uh(size * size);
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t k = i; k < size; ++k) {
          for (std::size_t j = 0; j < size; ++j) {
            uh[i * size + j] += double{u[i * size + k]} * h[k * size + j];
          }
        }
      }
      for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
          double product = 0;
          for (std::size_t k = j; k < size; ++k) product += uh[i * size + k] * u[j * size + k];
          EXPECT_NEAR(product, i == j ? 1 : 0, 1e-3) << n << " " << i << " " << j;
        }
      }
    }
  }
}

TEST(InverseFactorTest, WhatIsNotPositiveDefiniteHasNone) {
  std::vector<double> indefinite = {1, 2, 2, 1};
  EXPECT_TRUE(InverseUpperFactor(indefinite, 2, 1).empty());
  std::vector<double> nan = {1, 0, 0, std::nan("")};
  EXPECT_TRUE(InverseUpperFactor(nan, 2, 1).empty());
}

}  // namespace
}  // namespace quire::engine
