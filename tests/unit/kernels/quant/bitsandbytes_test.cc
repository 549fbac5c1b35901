#include "kernels/quant/bitsandbytes.h"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(BitsAndBytesTest, BlocksWithoutASizeAreRefused) {
  EXPECT_THAT(NewBnb4Weight({.out = 1, .in = 2, .block_size = 0}),
              FailsWith(StatusCode::kInvalidArgument, "positive block sizes"));
}

}  // namespace
}  // namespace quire::kernels
