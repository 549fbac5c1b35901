#include "engine/model/rope_frequencies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quire::engine {
namespace {

ModelConfig Config(RopeScaling scaling) {
  ModelConfig config;
  config.head_dim = 64;
  config.rotary_dim = 64;
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

TEST(RopeFrequenciesTest, ThePartOfAHeadThatTurnsHasFrequenciesOfItsOwn) {
  ModelConfig config = Config({});
  config.rotary_dim = 16;
  const std::vector<float> frequencies = RopeInverseFrequencies(config);
  ASSERT_EQ(frequencies.size(), 8u);
  EXPECT_NEAR(frequencies[4], 1.0 / std::sqrt(500000.0), 1e-9);
}

TEST(RopeFrequenciesTest, DynamicScalingFollowsTheLongestContextAlone) {
  ModelConfig config = Config({.kind = RopeScaling::Kind::kDynamic, .factor = 4.0});
  config.max_position_embeddings = 1000;
  const std::vector<float> plain = RopeInverseFrequencies(Config({}));
  EXPECT_EQ(RopeInverseFrequencies(config), plain);
  EXPECT_EQ(RopeInverseFrequencies(config, 500), plain);
  // Twice the context: a base that is (4 * 2 - 3)^(64 / 62) times as large.
  const std::vector<float> stretched = RopeInverseFrequencies(config, 2000);
  EXPECT_EQ(stretched[0], 1.0f);
  for (std::size_t i = 1; i < plain.size(); ++i) {
    const double exponent = 64.0 / 62.0 * 2.0 * static_cast<double>(i) / 64.0;
    EXPECT_NEAR(stretched[i], plain[i] / std::pow(5.0, exponent), 1e-7 * plain[i]) << i;
  }
}

TEST(RopeFrequenciesTest, YarnKeepsShortWavelengthsAndStretchesLongOnes) {
  const RopeScaling scaling = {
      .kind = RopeScaling::Kind::kYarn, .factor = 8.0, .original_context_tokens = 4096};
  const std::vector<float> plain = RopeInverseFrequencies(Config({}));
  const std::vector<float> scaled = RopeInverseFrequencies(Config(scaling));
  // 64 / 2 * ln(4096 / (2 pi beta)) / ln 500000 for beta = 32 and 1, rounded outwards: 7 and 16.
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - 7) / 9, 0.0, 1.0);
    EXPECT_NEAR(scaled[i], plain[i] * (ramp / 8 + 1 - ramp), 1e-7 * plain[i]) << i;
  }
}

TEST(RopeFrequenciesTest, LongRopeHasFactorsForEachSideOfTheOriginalContext) {
  RopeScaling scaling = {.kind = RopeScaling::Kind::kLongRope, .original_context_tokens = 100};
  scaling.short_factors.assign(32, 2.0f);
  scaling.long_factors.assign(32, 5.0f);
  ModelConfig config = Config(scaling);
  config.max_position_embeddings = 1000;
  EXPECT_EQ(RopeInverseFrequencies(config)[0], 0.2f);
  EXPECT_EQ(RopeInverseFrequencies(config, 101)[0], 0.2f);
  EXPECT_EQ(RopeInverseFrequencies(config, 100)[0], 0.5f);
}

TEST(RopeFrequenciesTest, LocalFrequenciesHaveABaseOfTheirOwnAndNoScaling) {
  ModelConfig config = Config({.kind = RopeScaling::Kind::kLinear, .factor = 4.0});
  config.local_rope_theta = 10000.0;
  const std::vector<float> local = LocalRopeInverseFrequencies(config);
  EXPECT_EQ(local[0], 1.0f);
  EXPECT_NEAR(local[16], 0.01, 1e-9);
}

}  // namespace
}  // namespace quire::engine
