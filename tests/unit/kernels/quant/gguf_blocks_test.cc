#include "kernels/quant/gguf_blocks.h"

#include <gtest/gtest.h>

#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::AllGgufBlockTypes;
using quire::testing::FailsWith;
using quire::testing::RandomGguf;

class GgufBlocksTest : public ::testing::TestWithParam<GgufBlockType> {};

TEST_P(GgufBlocksTest, CodesAndScalesComeDownToTheDecodedValues) {
  std::mt19937 random(7);
  for (const bool extreme : {false, true}) {
    const RandomGguf gguf(random, GetParam(), 9, 512, extreme);
    const auto weight = NewGgufWeight(gguf.tensors());
    ASSERT_TRUE(weight.ok()) << weight.status();
    EXPECT_EQ(DecodeQuantizedWeight(**weight), DecodeGguf(gguf.tensors()));
  }
}

TEST_P(GgufBlocksTest, CodesFitTheirBits) {
  std::mt19937 random(8);
  const RandomGguf gguf(random, GetParam(), 3, 512);
  const auto weight = NewGgufWeight(gguf.tensors());
  ASSERT_TRUE(weight.ok()) << weight.status();
  std::vector<std::uint8_t> codes(3 * 512);
  (*weight)->ReadCodes(0, 3, codes.data());
  const int most = *std::max_element(codes.begin(), codes.end());
  EXPECT_EQ(most, (1 << (*weight)->layout().code_bits) - 1);
}

// Scales that are read as steps and multiples are the scales.
TEST_P(GgufBlocksTest, StepsTimesMultiplesAreTheScales) {
  std::mt19937 random(9);
  const RandomGguf gguf(random, GetParam(), 5, 512);
  const auto weight = NewGgufWeight(gguf.tensors());
  ASSERT_TRUE(weight.ok()) << weight.status();
  const QuantizedLayout& layout = (*weight)->layout();
  EXPECT_EQ(layout.step_groups > 0, SizeOf(GetParam()).inputs == 256);
  if (layout.step_groups == 0) return;
  const auto groups = static_cast<std::size_t>(layout.num_groups);
  const auto steps = static_cast<std::size_t>(layout.num_steps());
  const auto per_step = static_cast<std::size_t>(layout.step_groups);
  std::vector<float> scales(4 * groups);
  std::vector<float> shifts(4 * groups);
  std::vector<float> scale_steps(4 * steps);
  std::vector<float> shift_steps(4 * steps);
  std::vector<std::int8_t> scale_multiples(4 * groups);
  std::vector<std::int8_t> shift_multiples(4 * groups);
  (*weight)->ReadScales(1, 4, scales.data(), shifts.data());
  (*weight)->ReadScaleSteps(1, 4,
                            {.scale_steps = scale_steps.data(),
                             .shift_steps = shift_steps.data(),
                             .scales = scale_multiples.data(),
                             .shifts = shift_multiples.data()});
  for (std::size_t n = 0; n < 4; ++n) {
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t at = n * groups + g;
      const std::size_t step = n * steps + g / per_step;
      ASSERT_EQ(scales[at], scale_steps[step] * scale_multiples[at]) << n << ", " << g;
      if (layout.shift != CodeShift::kOffset) continue;
      ASSERT_EQ(shifts[at], shift_steps[step] * shift_multiples[at]) << n << ", " << g;
    }
  }
}

TEST_P(GgufBlocksTest, RowsOfPartsOfBlocksAreRefused) {
  const GgufBlockSize& size = SizeOf(GetParam());
  EXPECT_THAT(
      NewGgufWeight({.type = GetParam(), .out = 2, .in = size.inputs + 16}),
      FailsWith(StatusCode::kInvalidArgument, fmt::format("a multiple of {}", size.inputs)));
}

INSTANTIATE_TEST_SUITE_P(Types, GgufBlocksTest, ::testing::ValuesIn(AllGgufBlockTypes()),
                         [](const auto& type) { return std::string(SizeOf(type.param).name); });

}  // namespace
}  // namespace quire::kernels
