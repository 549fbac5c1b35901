#include "kernels/quant/group_codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/half.h"
#include "kernels/quant/awq.h"
#include "kernels/quant/gptq.h"

namespace quire::kernels {
namespace {

// Codes of every value, scales of f16, in runs of `group_size` or, if `scattered`, in any order.
GroupCodes RandomCodes(std::int64_t out, std::int64_t in, std::int64_t group_size, bool scattered,
                       std::uint8_t least_zero) {
  std::mt19937 random(1);
  GroupCodes codes = {.out = out,
                      .in = in,
                      .num_groups = static_cast<std::int32_t>(in / group_size),
                      .codes = {},
                      .scales = {},
                      .zeros = {},
                      .group_of_input = ConsecutiveGroups(in, group_size)};
  if (scattered) {
    std::shuffle(codes.group_of_input.begin(), codes.group_of_input.end(), random);
  }
  for (std::int64_t i = 0; i < out * in; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(random() % 16));
  }
  std::uniform_real_distribution<float> uniform(0.05f, 0.2f);
  for (std::int64_t i = 0; i < out * codes.num_groups; ++i) {
    codes.scales.push_back(F16ToF32(F32ToF16(uniform(random))));
    codes.zeros.push_back(static_cast<std::uint8_t>(least_zero + random() % (16 - least_zero)));
  }
  return codes;
}

std::vector<float> ValuesOf(const GroupCodes& codes) {
  std::vector<float> values;
  for (std::int64_t n = 0; n < codes.out; ++n) {
    for (std::int64_t k = 0; k < codes.in; ++k) {
      const auto g = static_cast<std::size_t>(n * codes.num_groups +
                                              codes.group_of_input[static_cast<std::size_t>(k)]);
      const CodeGrid grid = {.scale = codes.scales[g], .zero = codes.zeros[g]};
      values.push_back(grid.Value(codes.codes[static_cast<std::size_t>(n * codes.in + k)]));
    }
  }
  return values;
}

TEST(GroupCodesTest, PackedGptqDecodesToTheSameValues) {
  for (const bool scattered : {false, true}) {
    const GroupCodes codes = RandomCodes(24, 96, 32, scattered, /*least_zero=*/1);
    const PackedGptq packed = PackGptq(codes);
    const GptqTensors tensors = {.bits = 4,
                                 .out = 24,
                                 .in = 96,
                                 .num_groups = 3,
                                 .qweight = packed.qweight.data(),
                                 .qzeros = packed.qzeros.data(),
                                 .scales = packed.scales.data(),
                                 .g_idx = packed.g_idx.data(),
                                 .symmetric = false};
    EXPECT_EQ(DecodeGptq(tensors), ValuesOf(codes)) << scattered;
  }
}

TEST(GroupCodesTest, PackedAwqDecodesToTheSameValues) {
  const GroupCodes codes = RandomCodes(24, 96, 32, /*scattered=*/false, /*least_zero=*/0);
  const PackedAwq packed = PackAwqGemm(codes);
  const AwqTensors tensors = {.layout = AwqLayout::kGemm,
                              .out = 24,
                              .in = 96,
                              .group_size = 32,
                              .qweight = packed.qweight.data(),
                              .qzeros = packed.qzeros.data(),
                              .scales = packed.scales.data()};
  EXPECT_EQ(DecodeAwq(tensors), ValuesOf(codes));
}

TEST(GroupCodesTest, TheWeightOfCodesHasTheirValues) {
  const GroupCodes codes = RandomCodes(7, 96, 32, /*scattered=*/true, /*least_zero=*/0);
  EXPECT_EQ(DecodeQuantizedWeight(*NewGroupWeight(codes)), ValuesOf(codes));
}

TEST(GroupCodesTest, RoundingErrsByHalfAStepAtMost) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.01f, 0.02f);
  std::vector<float> weight(5 * 64);
  for (float& value : weight) value = normal(random);
  const GroupCodes codes =
      RoundGroups({.data = weight.data(), .rows = 5, .cols = 64, .row_stride = 64}, 32);
  const std::vector<float> values = ValuesOf(codes);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const float scale = codes.scales[i / 32];
    // The ends move by half a step more when the zero point is rounded, and with the scale's f16.
    EXPECT_LE(std::abs(values[i] - weight[i]), scale * 1.02f) << i;
  }
}

TEST(GroupCodesTest, ZeroHasACodeOfItsOwn) {
  for (const CodeGrid& grid : {AsymmetricGrid(-0.3f, 0.9f), AsymmetricGrid(0.2f, 0.9f),
                               AsymmetricGrid(-0.9f, -0.2f), SymmetricGrid(0.7f)}) {
    EXPECT_EQ(grid.Value(grid.Code(0.0f)), 0.0f);
    EXPECT_LT(grid.zero, 16);
  }
}

TEST(GroupCodesTest, GridsOfNothingAreGridsAllTheSame) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const CodeGrid& grid : {SymmetricGrid(0), SymmetricGrid(1e-12f), SymmetricGrid(infinity),
                               AsymmetricGrid(0, 0), AsymmetricGrid(-infinity, infinity)}) {
    EXPECT_GT(grid.scale, 0);
    EXPECT_TRUE(std::isfinite(grid.scale));
    for (const float value : {0.0f, infinity, -infinity, nan, 1e30f}) {
      EXPECT_LT(grid.Code(value), 16);
    }
  }
}

}  // namespace
}  // namespace quire::kernels
