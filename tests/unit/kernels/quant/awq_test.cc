#include "kernels/quant/awq.h"

#include <gtest/gtest.h>

#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::RandomAwq;

TEST(AwqTest, CodesAndScalesComeDownToTheDecodedValues) {
  std::mt19937 random(1);
  for (const AwqLayout layout : {AwqLayout::kGemm, AwqLayout::kGemv, AwqLayout::kGemvFast}) {
    for (const bool zero_point : {true, false}) {
      const RandomAwq awq(random, {.layout = layout,
                                   .out = 40,
                                   .in = 192,
                                   .group_size = 64,
                                   .zero_point = zero_point,
                                   .scale_dtype = DType::kBF16});
      const auto weight = NewAwqWeight(awq.tensors());
      ASSERT_TRUE(weight.ok()) << weight.status();
      EXPECT_EQ(DecodeQuantizedWeight(**weight), DecodeAwq(awq.tensors())) << awq.name();
    }
  }
}

// Source: AutoAWQ, calculate_zeros_width in gemv.py, times the eight nibbles of a word.
TEST(AwqTest, GroupsFillWordsAndVectors) {
  EXPECT_EQ(AwqPaddedGroups(4096, 128), 32);
  EXPECT_EQ(AwqPaddedGroups(1152, 128), 16);
  EXPECT_EQ(AwqPaddedGroups(4096, 64), 64);
  EXPECT_EQ(AwqPaddedGroups(64, 64), 16);
  EXPECT_EQ(AwqPaddedGroups(64, 32), 32);
}

TEST(AwqTest, ShapesThatDoNotFillWordsAreRefused) {
  AwqTensors tensors = {.layout = AwqLayout::kGemm, .out = 8, .in = 64, .group_size = 48};
  EXPECT_THAT(NewAwqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "divides 64"));
  tensors.group_size = 32;
  tensors.out = 12;
  EXPECT_THAT(NewAwqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "have [12, 64]"));
  tensors.layout = AwqLayout::kGemvFast;
  tensors.in = 96;
  EXPECT_THAT(NewAwqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "have [12, 96]"));
}

}  // namespace
}  // namespace quire::kernels
