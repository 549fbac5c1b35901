// Any run of outputs reads as these outputs of the whole: readers take words of several outputs and
// inputs at a time, and runs begin and end inside them.

#include <gtest/gtest.h>

#include "tests/support/quantized_tensors.h"

namespace quire::kernels {
namespace {

using testing::RandomAwq;
using testing::RandomBnb4;
using testing::RandomGguf;
using testing::RandomGptq;

void ExpectRunsOfTheWhole(const QuantizedWeight& weight) {
  SCOPED_TRACE(weight.layout().format);
  const std::int64_t out = weight.layout().out;
  const std::int64_t in = weight.layout().in;
  constexpr std::uint8_t kUntouched = 0xA5;
  for (std::int64_t first = 0; first < out; ++first) {
    for (const std::int64_t count : {std::int64_t{1}, std::int64_t{7}, out - first}) {
      if (first + count > out) continue;
      // Row by row is what a run of many has to equal; a row alone is held to the decoder
      // elsewhere.
      std::vector<std::uint8_t> wanted(static_cast<std::size_t>(count * in + 1), kUntouched);
      for (std::int64_t n = 0; n < count; ++n) {
        std::vector<std::uint8_t> row(static_cast<std::size_t>(in));
        weight.ReadCodes(first + n, 1, row.data());
        std::copy(row.begin(), row.end(), wanted.begin() + n * in);
      }
      std::vector<std::uint8_t> codes(wanted.size(), kUntouched);
      weight.ReadCodes(first, count, codes.data());
      ASSERT_EQ(codes, wanted) << "outputs [" << first << ", " << first + count << ")";
    }
  }
}

TEST(ReadCodesTest, GptqOfEveryWidth) {
  std::mt19937 random(3);
  for (const int bits : {2, 3, 4, 8}) {
    // 36 inputs of 8 bits are no whole number of eights.
    const RandomGptq gptq(random, {.bits = bits, .out = 32, .in = bits == 8 ? 36 : 96});
    ExpectRunsOfTheWhole(**NewGptqWeight(gptq.tensors()));
  }
}

TEST(ReadCodesTest, AwqOfEveryLayout) {
  std::mt19937 random(4);
  for (const AwqLayout layout : {AwqLayout::kGemm, AwqLayout::kGemv, AwqLayout::kGemvFast}) {
    const std::int64_t in = layout == AwqLayout::kGemm ? 36 : 128;
    const RandomAwq awq(random,
                        {.layout = layout, .out = 24, .in = in, .group_size = in == 36 ? 12 : 64});
    ExpectRunsOfTheWhole(**NewAwqWeight(awq.tensors()));
  }
}

TEST(ReadCodesTest, Bnb4WhoseRowsBeginInsideAByte) {
  std::mt19937 random(5);
  for (const std::int64_t in : {35, 64}) {
    const RandomBnb4 nf4(random, {.out = 12, .in = in, .block_size = in == 35 ? 5 : 64});
    ExpectRunsOfTheWhole(**NewBnb4Weight(nf4.tensors()));
  }
}

TEST(ReadCodesTest, GgufOfEveryType) {
  std::mt19937 random(6);
  for (const GgufBlockType type : testing::AllGgufBlockTypes()) {
    const RandomGguf gguf(random, type, 9, 512);
    ExpectRunsOfTheWhole(**NewGgufWeight(gguf.tensors()));
  }
}

}  // namespace
}  // namespace quire::kernels
