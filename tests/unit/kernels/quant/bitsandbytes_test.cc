#include "kernels/quant/bitsandbytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::RandomBnb4;
using quire::testing::RandomInt8;
using quire::testing::RowsOf;

TEST(BitsAndBytesTest, CodesAndScalesComeDownToTheDecodedValues) {
  std::mt19937 random(1);
  for (const bool nested : {false, true}) {
    for (const std::int64_t block_size : {32, 64, 256}) {
      const RandomBnb4 bnb(random,
                           {.out = 33, .in = 40, .block_size = block_size, .nested = nested});
      const auto weight = NewBnb4Weight(bnb.tensors());
      ASSERT_TRUE(weight.ok()) << weight.status();
      EXPECT_EQ(DecodeQuantizedWeight(**weight), DecodeBnb4(bnb.tensors())) << bnb.name();
    }
  }
}

TEST(BitsAndBytesTest, TheHighNibbleComesFirst) {
  const std::uint8_t codes[] = {0xf0};
  const float absmax = 2.0f;
  const Bnb4Tensors tensors = {.out = 1,
                               .in = 2,
                               .block_size = 64,
                               .codes = codes,
                               .table = kNf4Values.data(),
                               .absmax = &absmax};
  EXPECT_EQ(DecodeBnb4(tensors), (std::vector<float>{2.0f, -2.0f}));
}

TEST(BitsAndBytesTest, Int8CodesAndOneScaleComeWithinTwoRoundingsOfTheDecodedValues) {
  std::mt19937 random(1);
  const RandomInt8 int8(random, 5, 300);
  const std::vector<float> exact = DecodeInt8(int8.tensors());
  const std::vector<float> values = DecodeQuantizedWeight(*NewInt8Weight(int8.tensors()));
  ASSERT_EQ(values.size(), exact.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_LE(std::abs(values[i] - exact[i]), 0x1p-23f * std::abs(exact[i])) << i;
  }
}

std::vector<float> NormalValues(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(BitsAndBytesTest, Nf4CodesAreThoseOfTheNearestValues) {
  for (float scaled = -1.3f; scaled < 1.3f; scaled += 1e-4f) {
    std::size_t nearest = 0;
    for (std::size_t code = 1; code < 16; ++code) {
      if (std::abs(scaled - kNf4Values[code]) < std::abs(scaled - kNf4Values[nearest])) {
        nearest = code;
      }
    }
    EXPECT_NEAR(std::abs(scaled - kNf4Values[Nf4Code(scaled)]),
                std::abs(scaled - kNf4Values[nearest]), 1e-6)
        << scaled;
  }
  for (const float end : {1e30f, std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(Nf4Code(end), 15);
    EXPECT_EQ(Nf4Code(-end), 0);
  }
  EXPECT_LT(Nf4Code(std::nanf("")), 16);
}

TEST(BitsAndBytesTest, Nf4ScalesErrNoMoreThanTheLargestWeightWould) {
  for (std::uint32_t seed = 1; seed < 50; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> block(64);
    float absmax = 0;
    for (float& value : block) absmax = std::max(absmax, std::abs(value = normal(random)));
    const auto error = [&](float scale) {
      double sum = 0;
      for (const float value : block) {
        const double difference = value - kNf4Values[Nf4Code(value / scale)] * scale;
        sum += difference * difference;
      }
      return sum;
    };
    const float scale = Nf4Scale(block.data(), 64);
    EXPECT_LE(scale, absmax);
    EXPECT_LE(error(scale), error(absmax) * 1.0001) << seed;
  }
}

// Rows of 45: blocks run on from one into the next, the last one is short, and a nibble is left.
TEST(BitsAndBytesTest, EncodedNf4DecodesToTheNearestValues) {
  std::vector<float> values = NormalValues(7 * 45);
  const EncodedNf4 encoded = EncodeNf4(RowsOf(values, 7), 64);
  ASSERT_EQ(encoded.codes.size(), 158u);
  ASSERT_EQ(encoded.absmax.size(), 5u);
  const Bnb4Tensors tensors = {.out = 7,
                               .in = 45,
                               .block_size = 64,
                               .codes = encoded.codes.data(),
                               .table = kNf4Values.data(),
                               .absmax = encoded.absmax.data()};
  const std::vector<float> decoded = DecodeBnb4(tensors);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float least = 1e9f;
    for (const float table : kNf4Values) {
      least = std::min(least, std::abs(values[i] - table * encoded.absmax[i / 64]));
    }
    EXPECT_NEAR(std::abs(values[i] - decoded[i]), least, 1e-9) << i;
  }
}

TEST(BitsAndBytesTest, EncodedInt8DecodesWithinHalfAStep) {
  std::vector<float> values = NormalValues(7 * 45);
  std::fill_n(values.begin(), 45, 0.0f);  // a row of nothing
  const EncodedInt8 encoded = EncodeInt8(RowsOf(values, 7));
  const std::vector<float> decoded = DecodeInt8(
      {.out = 7, .in = 45, .codes = encoded.codes.data(), .absmax = encoded.absmax.data()});
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_LE(std::abs(values[i] - decoded[i]), encoded.absmax[i / 45] / 254 * 1.001f) << i;
  }
}

TEST(BitsAndBytesTest, DenormalWeightsAreEncoded) {
  std::vector<float> values(64, 0.0f);
  values[3] = 1e-45f;
  EXPECT_EQ(EncodeNf4(RowsOf(values, 1), 64).codes[0], 0x77);  // zeros
  EXPECT_EQ(EncodeInt8(RowsOf(values, 1)).codes[3], 127);
}

TEST(BitsAndBytesTest, BlocksWithoutASizeAreRefused) {
  EXPECT_THAT(NewBnb4Weight({.out = 1, .in = 2, .block_size = 0}),
              FailsWith(StatusCode::kInvalidArgument, "positive block sizes"));
}

}  // namespace
}  // namespace quire::kernels
