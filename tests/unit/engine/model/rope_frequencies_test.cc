#include "engine/model/rope_frequencies.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace quire::engine {
namespace {

ModelConfig Config(RopeScaling scaling) {
  ModelConfig config;
  config.head_dim = 64;
  config.rope_theta = 500000.0;
  config.rope_scaling = scaling;
  return config;
}

TEST(RopeFrequenciesTest, PlainFrequenciesFallGeometrically) {
  const std::vector<float> plain = RopeInverseFrequencies(Config({}));
  ASSERT_EQ(plain.size(), 32u);
  EXPECT_EQ(plain[0], 1.0f);
  EXPECT_NEAR(plain[16], 1.0 / std::sqrt(500000.0), 1e-9);
}

TEST(RopeFrequenciesTest, LinearScalingDividesAll) {
  const std::vector<float> plain = RopeInverseFrequencies(Config({}));
  const std::vector<float> linear =
      RopeInverseFrequencies(Config({.kind = RopeScaling::Kind::kLinear, .factor = 4.0}));
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_FLOAT_EQ(linear[i], plain[i] / 4);
}

TEST(RopeFrequenciesTest, Llama3ScalingStretchesLongWavelengthsOnly) {
  const RopeScaling scaling = {.kind = RopeScaling::Kind::kLlama3,
                               .factor = 8.0,
                               .low_freq_factor = 1.0,
                               .high_freq_factor = 4.0,
                               .original_context_tokens = 8192};
  const std::vector<float> plain = RopeInverseFrequencies(Config({}));
  const std::vector<float> scaled = RopeInverseFrequencies(Config(scaling));
  int num_between = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const double wavelength = 2 * std::numbers::pi / plain[i];
    if (wavelength < 8192.0 / 4) {
      EXPECT_EQ(scaled[i], plain[i]);
    } else if (wavelength > 8192.0) {
      EXPECT_FLOAT_EQ(scaled[i], plain[i] / 8);
    } else {
      EXPECT_LT(scaled[i], plain[i]);
      EXPECT_GT(scaled[i], plain[i] / 8);
      ++num_between;
    }
    if (i > 0) {
      EXPECT_LT(scaled[i], scaled[i - 1]);
    }
  }
  EXPECT_GT(num_between, 0);
}

}  // namespace
}  // namespace quire::engine
