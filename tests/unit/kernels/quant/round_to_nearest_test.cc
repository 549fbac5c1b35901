#include "kernels/quant/round_to_nearest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/half.h"
#include "kernels/quant/bitsandbytes.h"
#include "tests/support/quantized_tensors.h"
#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::RowsOf;

std::vector<float> Rounded(std::vector<float> values, std::int64_t rows, RoundingKind kind) {
  const auto weight = RoundToNearest(RowsOf(values, rows), kind);
  EXPECT_TRUE(weight.ok()) << weight.status();
  return DecodeQuantizedWeight(**weight);
}

// Largest |w - q(w)| that a grid allows, in units of the group's largest |w|. The scale of the
// 4-bit kinds is rounded to bf16, which moves the grid by up to 2^-8 of itself.
double GridError(RoundingKind kind) {
  switch (kind) {
    case RoundingKind::kInt8:
      return 0.5 / 127 * 1.0001;
    case RoundingKind::kInt4:
      // What lies beyond 7/8 on the side without an eighth step.
      return 1.0 / 8 + 1.0 / 256;
    case RoundingKind::kNf4:
      // What lies beyond the smallest scale that is tried.
      return 1 - 0.82 + 1.0 / 256;
  }
  return 0;
}

TEST(RoundToNearestTest, ErrorsStayWithinTheGrid) {
  for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kInt4, RoundingKind::kNf4}) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.0f, 0.02f);
    std::vector<float> values(7 * 200);  // groups of 64, 64, 64 and 8
    for (float& value : values) value = normal(random);
    const std::vector<float> rounded = Rounded(values, 7, kind);
    const std::size_t group_size = kind == RoundingKind::kInt8 ? 200 : kRoundingGroupSize;
    for (std::size_t row = 0; row < 7; ++row) {
      for (std::size_t begin = 0; begin < 200; begin += group_size) {
        const std::size_t end = std::min<std::size_t>(200, begin + group_size);
        float absmax = 0;
        for (std::size_t k = begin; k < end; ++k) {
          absmax = std::max(absmax, std::abs(values[row * 200 + k]));
        }
        for (std::size_t k = begin; k < end; ++k) {
          const std::size_t i = row * 200 + k;
          ASSERT_LE(std::abs(values[i] - rounded[i]), GridError(kind) * absmax)
              << RoundingKindName(kind) << " " << i;
        }
      }
    }
  }
}

TEST(RoundToNearestTest, EveryNf4ValueIsItsOwnNearest) {
  const std::vector<float> values(kNf4Values.begin(), kNf4Values.end());
  EXPECT_EQ(Rounded(values, 1, RoundingKind::kNf4), values);
}

TEST(RoundToNearestTest, ReadsEveryFloatType) {
  const std::vector<float> values = {1.0f, -0.5f, 0.25f, 0.0f};
  std::vector<float> wanted = values;
  for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kNf4}) {
    wanted = Rounded(values, 2, kind);
    for (const DType dtype : {DType::kF16, DType::kBF16}) {
      std::vector<std::uint16_t> halves(4);
      ConvertFromF32(dtype, values.data(), halves.data(), 4);
      const auto weight = RoundToNearest(
          {.data = halves.data(), .rows = 2, .cols = 2, .row_stride = 2, .dtype = dtype}, kind);
      ASSERT_TRUE(weight.ok()) << weight.status();
      EXPECT_EQ(DecodeQuantizedWeight(**weight), wanted);
    }
  }
  std::int32_t number = 0;
  EXPECT_THAT(
      RoundToNearest({.data = &number, .rows = 1, .cols = 1, .row_stride = 1, .dtype = DType::kI32},
                     RoundingKind::kInt8),
      FailsWith(StatusCode::kInvalidArgument, "have i32"));
}

TEST(RoundToNearestTest, ZerosAndWhatIsNoNumberDoNotTrap) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kInt4, RoundingKind::kNf4}) {
    for (const float value : Rounded(std::vector<float>(65, 0.0f), 1, kind)) {
      EXPECT_EQ(value, 0.0f);
    }
    EXPECT_EQ(Rounded({kInfinity, -kInfinity, std::nanf(""), 1e-44f}, 1, kind).size(), 4u);
    EXPECT_EQ(Rounded({1e-44f, 1e-45f, -1e-44f, 0.0f}, 1, kind).size(), 4u);
  }
}

TEST(RoundToNearestTest, KindsHaveNames) {
  for (const std::string_view name : kRoundingKinds) {
    EXPECT_EQ(RoundingKindName(*ParseRoundingKind(name)), name);
  }
  EXPECT_THAT(ParseRoundingKind("int5"), FailsWith(StatusCode::kInvalidArgument, "int5"));
}

}  // namespace
}  // namespace quire::kernels
