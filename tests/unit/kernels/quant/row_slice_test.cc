#include "kernels/quant/row_slice.h"

#include <gtest/gtest.h>

#include <functional>
#include <tuple>
#include <utility>

#include "tests/support/quantized_tensors.h"

namespace quire::kernels {
namespace {

// Every row of every slice is that of the whole.
void ExpectRowsOfTheWhole(const std::function<std::unique_ptr<QuantizedWeight>()>& make) {
  const std::vector<float> whole = DecodeQuantizedWeight(*make());
  const std::int64_t out = make()->layout().out;
  const std::int64_t in = make()->layout().in;
  for (const auto& [first, count] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {0, out}, {0, 1}, {1, out - 1}, {5, 7}, {out - 3, 3}}) {
    const auto slice = SliceRows(make(), first, count);
    ASSERT_EQ(slice->layout().out, count);
    ASSERT_EQ(slice->layout().in, in);
    const std::vector<float> wanted(whole.begin() + first * in,
                                    whole.begin() + (first + count) * in);
    EXPECT_EQ(DecodeQuantizedWeight(*slice), wanted)
        << slice->layout().format << ", rows " << first << " + " << count;
  }
}

TEST(RowSliceTest, IsTheRowsOfTheWholeInEveryFormat) {
  std::mt19937 random(7);
  const testing::RandomGptq gptq(random, {.bits = 3, .in = 64, .act_order = true});
  ExpectRowsOfTheWhole([&] { return *NewGptqWeight(gptq.tensors()); });
  const testing::RandomAwq awq(random, {.out = 32});
  ExpectRowsOfTheWhole([&] { return *NewAwqWeight(awq.tensors()); });
  // Blocks that run on from one output into the next.
  const testing::RandomBnb4 bnb4(random, {.out = 32, .in = 48, .block_size = 64});
  ExpectRowsOfTheWhole([&] { return *NewBnb4Weight(bnb4.tensors()); });
  const testing::RandomInt8 int8(random, 32, 20);
  ExpectRowsOfTheWhole([&] { return NewInt8Weight(int8.tensors()); });
  for (const GgufBlockType type : {GgufBlockType::kQ4_0, GgufBlockType::kQ4_K}) {
    const testing::RandomGguf gguf(random, type, 16, 256);
    ExpectRowsOfTheWhole([&] { return *NewGgufWeight(gguf.tensors()); });
  }
}

// Scales of super-blocks are read as steps and multiples.
TEST(RowSliceTest, HasTheScaleStepsOfItsRows) {
  std::mt19937 random(8);
  const testing::RandomGguf gguf(random, GgufBlockType::kQ4_K, 8, 256);
  const auto whole = *NewGgufWeight(gguf.tensors());
  const auto slice = SliceRows(*NewGgufWeight(gguf.tensors()), 5, 2);
  const auto steps = [](const QuantizedWeight& weight, std::int64_t first) {
    const auto num_steps = static_cast<std::size_t>(weight.layout().num_steps());
    const auto num_groups = static_cast<std::size_t>(weight.layout().num_groups);
    std::vector<float> scale_steps(2 * num_steps);
    std::vector<float> shift_steps(2 * num_steps);
    std::vector<std::int8_t> scales(2 * num_groups);
    std::vector<std::int8_t> shifts(2 * num_groups);
    weight.ReadScaleSteps(first, 2,
                          {.scale_steps = scale_steps.data(),
                           .shift_steps = shift_steps.data(),
                           .scales = scales.data(),
                           .shifts = shifts.data()});
    return std::tuple(scale_steps, shift_steps, scales, shifts);
  };
  EXPECT_EQ(steps(*slice, 0), steps(*whole, 5));
}

}  // namespace
}  // namespace quire::kernels
