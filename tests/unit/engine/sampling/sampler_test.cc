#include "engine/sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/sampling/logits.h"
#include "engine/sampling/philox.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::HasCode;
using testing::IsOk;

// Probabilities 0.4, 0.3, 0.2, 0.1 for the tokens 2, 0, 3, 1.
const std::vector<float> kLogits = {std::log(0.3f), std::log(0.1f), std::log(0.4f), std::log(0.2f)};

// Share of each token in many draws.
std::map<TokenId, double> Shares(const std::vector<float>& logits, const SamplingParams& params) {
  constexpr int kDraws = 20'000;
  Sampler sampler;
  std::map<TokenId, double> shares;
  for (int i = 0; i < kDraws; ++i) {
    const auto id =
        sampler.Sample(logits, params, UniformAt(/*seed=*/7, static_cast<std::uint64_t>(i)));
    if (id.ok()) shares[*id] += 1.0 / kDraws;
  }
  return shares;
}

// Four standard deviations of a share of 20,000 draws.
constexpr double kTolerance = 0.015;

TEST(SamplerTest, GreedyTakesTheLowestIdAmongEquals) {
  Sampler sampler;
  const std::vector<float> logits = {1.0f, 3.0f, 2.0f, 3.0f};
  const auto id = sampler.Sample(logits, {}, 0.99);
  ASSERT_THAT(id, IsOk());
  EXPECT_EQ(*id, 1);
}

TEST(SamplerTest, DrawsFollowTheProbabilities) {
  const auto shares = Shares(kLogits, {.temperature = 1.0f});
  EXPECT_NEAR(shares.at(2), 0.4, kTolerance);
  EXPECT_NEAR(shares.at(0), 0.3, kTolerance);
  EXPECT_NEAR(shares.at(3), 0.2, kTolerance);
  EXPECT_NEAR(shares.at(1), 0.1, kTolerance);
}

TEST(SamplerTest, TemperatureSharpens) {
  const auto shares = Shares(kLogits, {.temperature = 0.5f});
  EXPECT_NEAR(shares.at(2), 0.16 / 0.30, kTolerance);  // squares, renormalized
  EXPECT_NEAR(shares.at(1), 0.01 / 0.30, kTolerance);
}

TEST(SamplerTest, TopKKeepsTheMostLikely) {
  const auto shares = Shares(kLogits, {.temperature = 1.0f, .top_k = 2});
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_NEAR(shares.at(2), 4.0 / 7, kTolerance);
  EXPECT_NEAR(shares.at(0), 3.0 / 7, kTolerance);
}

TEST(SamplerTest, TopPKeepsTheSmallestNucleus) {
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .top_p = 0.39f}).size(), 1u);
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .top_p = 0.69f}).size(), 2u);
  const auto shares = Shares(kLogits, {.temperature = 1.0f, .top_p = 0.71f});
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_NEAR(shares.at(3), 2.0 / 9, kTolerance);
}

TEST(SamplerTest, TopPCountsWhatTopKLeft) {
  // Of {0.4, 0.3} the first has 4/7 = 0.571.
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .top_k = 2, .top_p = 0.57f}).size(), 1u);
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .top_k = 2, .top_p = 0.58f}).size(), 2u);
}

TEST(SamplerTest, MinPIsRelativeToTheMostLikely) {
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .min_p = 0.49f}).size(), 3u);
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .min_p = 0.51f}).size(), 2u);
  EXPECT_EQ(Shares(kLogits, {.temperature = 1.0f, .min_p = 1.0f}).size(), 1u);
}

TEST(SamplerTest, NucleusOfAWideVocabularyIsExact) {
  // 10,000 equal tokens: a nucleus of 0.25 is the first 2,500.
  const std::vector<float> logits(10'000, 0.5f);
  Sampler sampler;
  const SamplingParams params = {.temperature = 1.0f, .top_p = 0.25f};
  const auto last = sampler.Sample(logits, params, 0.999999);
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(*last, 2499);
  const auto first = sampler.Sample(logits, params, 0.0);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*first, 0);
}

TEST(SamplerTest, ExtremeLogitsAndTemperaturesGiveAToken) {
  Sampler sampler;
  const std::vector<float> logits = {-3.4e38f, 3.4e38f, 0.0f};
  for (const float temperature : {1e-30f, 1.0f, 3.4e38f}) {
    for (const double uniform : {0.0, 0.5, 0.9999999999999999}) {
      const auto id = sampler.Sample(logits, {.temperature = temperature}, uniform);
      ASSERT_THAT(id, IsOk());
      if (temperature <= 1.0f) {
        EXPECT_EQ(*id, 1);
      }
    }
  }
}

TEST(SamplerTest, LogitsThatAreNotFiniteAreAnError) {
  Sampler sampler;
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    for (const std::size_t place : {0u, 20u, 36u}) {
      std::vector<float> logits(37, 1.0f);
      logits[place] = bad;
      EXPECT_THAT(sampler.Sample(logits, {}, 0.5), HasCode(StatusCode::kDataLoss));
    }
  }
}

TEST(SamplerTest, TypicalPKeepsWhatIsAsSurprisingAsExpected) {
  // Surprises 0.92, 1.20, 1.61, 2.30 nats for 0.4, 0.3, 0.2, 0.1; expected: 1.28. So the order is
  // 0.3 (0.08 away), 0.2 (0.33), 0.4 (0.36), 0.1 (1.02).
  const auto one = Shares(kLogits, {.temperature = 1.0f, .typical_p = 0.29f});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one.begin()->first, 0);
  const auto two = Shares(kLogits, {.temperature = 1.0f, .typical_p = 0.49f});
  ASSERT_EQ(two.size(), 2u);
  EXPECT_NEAR(two.at(0), 0.6, kTolerance);
  EXPECT_NEAR(two.at(3), 0.4, kTolerance);
  const auto three = Shares(kLogits, {.temperature = 1.0f, .typical_p = 0.51f});
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three.count(1), 0u);
}

TEST(SamplerTest, TypicalPCountsWhatTheOthersLeft) {
  // Of {4/7, 3/7} the surprises are 0.56 and 0.85, the expected one 0.68: the first is closer.
  const auto shares = Shares(kLogits, {.temperature = 1.0f, .top_k = 2, .typical_p = 0.5f});
  ASSERT_EQ(shares.size(), 1u);
  EXPECT_EQ(shares.begin()->first, 2);
}

TEST(SamplerTest, TypicalPKeepsAtLeastOneTokenOfAnyRow) {
  Sampler sampler;
  std::vector<float> logits(1000, -1e30f);  // probabilities that f64 rounds to 0
  logits[7] = 5.0f;
  const SamplingParams params = {.temperature = 1.0f, .typical_p = 1e-6f};
  const auto id = sampler.Sample(logits, params, 0.999);
  ASSERT_THAT(id, IsOk());
  EXPECT_EQ(*id, 7);
  // Equally likely tokens are equally typical: the lowest id.
  const auto same = sampler.Sample(std::vector<float>(1000, 1.0f), params, 0.999);
  ASSERT_THAT(same, IsOk());
  EXPECT_EQ(*same, 0);
}

TEST(SamplerTest, MaskedTokensAreNeverDrawn) {
  std::vector<float> logits = kLogits;
  logits[2] = kMaskedLogit;
  logits[1] = kMaskedLogit;
  for (const SamplingParams& params :
       {SamplingParams{.temperature = 1.0f}, SamplingParams{.temperature = 100.0f},
        SamplingParams{.temperature = 1.0f, .top_k = 4},
        SamplingParams{.temperature = 1.0f, .top_p = 0.999f},
        SamplingParams{.temperature = 1.0f, .typical_p = 0.999f}}) {
    const auto shares = Shares(logits, params);
    EXPECT_EQ(shares.size(), 2u);
    EXPECT_EQ(shares.count(0) + shares.count(3), 2u);
  }
  Sampler sampler;
  const auto greedy = sampler.Sample(logits, {}, 0.5);
  ASSERT_THAT(greedy, IsOk());
  EXPECT_EQ(*greedy, 0);
}

TEST(LogitsTest, ScoreIsTheLogSoftmaxWithTheMostLikelyTokens) {
  std::vector<float> shifted = kLogits;
  for (float& logit : shifted) logit += 1000.0f;  // the softmax does not see it
  const ScoredToken scored = Score(shifted, 3, 2);
  EXPECT_EQ(scored.token.id, 3);
  EXPECT_NEAR(scored.token.logprob, std::log(0.2), 1e-4);  // f32 at 1000 keeps 1e-4
  ASSERT_EQ(scored.top.size(), 2u);
  EXPECT_EQ(scored.top[0].id, 2);
  EXPECT_EQ(scored.top[1].id, 0);
  EXPECT_TRUE(Score(kLogits, 3, 0).top.empty());
  EXPECT_EQ(Score(kLogits, 3, 100).top.size(), 4u);
}

TEST(PhiloxTest, StreamsAreUniformAndIndependentOfOrder) {
  double sum = 0.0;
  std::array<int, 10> bins{};
  std::set<double> seen;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const double u = UniformAt(42, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    ++bins[static_cast<std::size_t>(u * 10)];
    seen.insert(u);
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.012);  // four standard deviations
  for (const int count : bins) EXPECT_NEAR(count, 1000, 120);
  EXPECT_EQ(seen.size(), 10'000u);
  EXPECT_EQ(UniformAt(42, 17), UniformAt(42, 17));
  EXPECT_NE(UniformAt(42, 17), UniformAt(43, 17));
}

TEST(PhiloxTest, EqualsThePublishedTestVector) {
  // Random123, kat_vectors: philox4x32-10 of an all-zero counter and key begins 6627e8d5 e169c58d.
  const double expected =
      static_cast<double>(((std::uint64_t{0xe169c58d} << 32) | 0x6627e8d5) >> 11) * 0x1p-53;
  EXPECT_EQ(UniformAt(0, 0), expected);
}

}  // namespace
}  // namespace quire::engine
