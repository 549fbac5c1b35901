#include "kernels/quant/gptq.h"

#include <gtest/gtest.h>

#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::RandomGptq;

TEST(GptqTest, CodesAndScalesComeDownToTheDecodedValues) {
  std::mt19937 random(1);
  for (const int bits : {2, 3, 4, 8}) {
    for (const bool act_order : {false, true}) {
      for (const bool symmetric : {false, true}) {
        const RandomGptq gptq(random, {.bits = bits,
                                       .out = 64,
                                       .in = 96,
                                       .group_size = 20,
                                       .act_order = act_order,
                                       .symmetric = symmetric,
                                       .scale_dtype = DType::kBF16});
        const auto weight = NewGptqWeight(gptq.tensors());
        ASSERT_TRUE(weight.ok()) << weight.status();
        EXPECT_EQ(DecodeQuantizedWeight(**weight), DecodeGptq(gptq.tensors())) << gptq.name();
      }
    }
  }
}

// One layer of 8 inputs and 8 outputs whose codes are all `code` and whose zero points are stored
// as `stored`.
struct UniformLayer {
  UniformLayer(std::uint32_t code, std::uint32_t stored)
      : qweight(8, code * 0x11111111u), qzeros(1, stored * 0x11111111u), scales(8, 1.0f) {
    tensors = {.bits = 4,
               .out = 8,
               .in = 8,
               .num_groups = 1,
               .qweight = qweight.data(),
               .qzeros = qzeros.data(),
               .scales = scales.data(),
               .scale_dtype = DType::kF32,
               .g_idx = nullptr,
               .group_size = 8};
  }
  std::vector<std::uint32_t> qweight;
  std::vector<std::uint32_t> qzeros;
  std::vector<float> scales;
  GptqTensors tensors;
};

TEST(GptqTest, TheOlderFormatStoresZeroPointsMinusOne) {
  UniformLayer layer(/*code=*/9, /*stored=*/7);
  EXPECT_EQ(DecodeGptq(layer.tensors)[0], 1.0f);
  layer.tensors.zeros_minus_one = false;
  EXPECT_EQ(DecodeGptq(layer.tensors)[0], 2.0f);
}

TEST(GptqTest, AFieldOfAllOnesIsAZeroPointOfZeroIfZeroLiesInTheRange) {
  UniformLayer layer(/*code=*/9, /*stored=*/15);
  layer.tensors.symmetric = false;
  EXPECT_EQ(DecodeGptq(layer.tensors)[0], 9.0f);
  layer.tensors.symmetric = true;
  EXPECT_EQ(DecodeGptq(layer.tensors)[0], -7.0f);
}

TEST(GptqTest, ImpossibleTensorsAreRefused) {
  UniformLayer layer(9, 7);
  GptqTensors tensors = layer.tensors;
  tensors.bits = 5;
  EXPECT_THAT(NewGptqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "have 5"));
  tensors = layer.tensors;
  tensors.in = 12;
  EXPECT_THAT(NewGptqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "multiples of 8"));
  tensors = layer.tensors;
  tensors.group_size = 4;
  EXPECT_THAT(NewGptqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "1 groups"));
  for (const std::int32_t group : {-1, 1, 1 << 30}) {
    std::vector<std::int32_t> g_idx(8, 0);
    g_idx[5] = group;
    tensors = layer.tensors;
    tensors.g_idx = g_idx.data();
    EXPECT_THAT(NewGptqWeight(tensors), FailsWith(StatusCode::kInvalidArgument, "g_idx[5]"));
  }
}

}  // namespace
}  // namespace quire::kernels
