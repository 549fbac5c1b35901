#include "kernels/quant/bitsandbytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::RandomBnb4;
using quire::testing::RandomInt8;

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

MatrixView RowsOf(std::vector<float>& values, std::int64_t rows) {
  const auto cols = static_cast<std::int64_t>(values.size()) / rows;
  return {.data = values.data(), .rows = rows, .cols = cols, .row_stride = cols};
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
