#include "kernels/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace quire::kernels {
namespace {

// The f16 value by its definition.
double F16Value(std::uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

bool IsF16Finite(std::uint16_t bits) { return ((bits >> 10) & 31) != 31; }

TEST(HalfTest, EveryFiniteF16HasItsDefinedValueAndComesBack) {
  for (int i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    if (!IsF16Finite(bits)) continue;
    ASSERT_EQ(F16ToF32(bits), F16Value(bits)) << i;
    ASSERT_EQ(F32ToF16(F16ToF32(bits)), bits) << i;
  }
}

TEST(HalfTest, F16RoundsToNearestAndTiesToEven) {
  for (int i = 0; i < 0x7bff; ++i) {  // up to the largest finite number
    const auto below = static_cast<std::uint16_t>(i);
    const auto above = static_cast<std::uint16_t>(i + 1);
    const auto middle = static_cast<float>((F16Value(below) + F16Value(above)) / 2);  // exact
    ASSERT_EQ(F32ToF16(middle), (i & 1) == 0 ? below : above) << i;
    ASSERT_EQ(F32ToF16(std::nextafter(middle, 0.0f)), below) << i;
    ASSERT_EQ(F32ToF16(std::nextafter(middle, 1e9f)), above) << i;
  }
}

TEST(HalfTest, F16OverflowsToInfinityAndKeepsNan) {
  EXPECT_EQ(F32ToF16(65519.99f), 0x7bff);
  EXPECT_EQ(F32ToF16(65520.0f), 0x7c00);
  EXPECT_EQ(F32ToF16(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_TRUE(std::isinf(F16ToF32(0x7c00)));
  EXPECT_TRUE(std::isnan(F16ToF32(0x7c01)));
  EXPECT_TRUE(std::isnan(F16ToF32(F32ToF16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_EQ(F32ToF16(-0.0f), 0x8000);
}

TEST(HalfTest, BF16RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(F32ToBF16(1.0f), 0x3f80);
  EXPECT_EQ(F32ToBF16(std::bit_cast<float>(0x3f808000u)), 0x3f80);  // tie, down to even
  EXPECT_EQ(F32ToBF16(std::bit_cast<float>(0x3f818000u)), 0x3f82);  // tie, up to even
  EXPECT_EQ(F32ToBF16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(F32ToBF16(std::numeric_limits<float>::max()), 0x7f80);
}

TEST(HalfTest, BF16KeepsNanWhoseHighBitsAreThoseOfInfinity) {
  EXPECT_TRUE(std::isnan(BF16ToF32(F32ToBF16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(BF16ToF32(F32ToBF16(std::bit_cast<float>(0xffffffffu)))));
}

// By the definition: bias 7, subnormals in steps of 2^-9.
double F8E4M3Value(int bits) {
  const double sign = (bits & 0x80) != 0 ? -1 : 1;
  const int exponent = (bits >> 3) & 15;
  const int fraction = bits & 7;
  if (exponent == 0) return sign * std::ldexp(fraction, -9);
  return sign * std::ldexp(8 + fraction, exponent - 10);
}

TEST(HalfTest, EveryF8E4M3HasItsDefinedValueAndComesBack) {
  for (int bits = 0; bits < 256; ++bits) {
    const float value = F8E4M3ToF32(static_cast<std::uint8_t>(bits));
    if ((bits & 0x7f) == 0x7f) {
      EXPECT_TRUE(std::isnan(value));
      continue;
    }
    EXPECT_EQ(value, F8E4M3Value(bits)) << bits;
    EXPECT_EQ(F32ToF8E4M3(value), bits);
  }
}

TEST(HalfTest, F8E4M3RoundsToNearestAndTiesToEven) {
  for (int bits = 0; bits < 0x7e; ++bits) {
    const auto middle = static_cast<float>((F8E4M3Value(bits) + F8E4M3Value(bits + 1)) / 2);
    EXPECT_EQ(F32ToF8E4M3(middle), bits + bits % 2) << bits;
    EXPECT_EQ(F32ToF8E4M3(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(F32ToF8E4M3(std::nextafter(-middle, -HUGE_VALF)), 0x80 + bits + 1);
  }
}

TEST(HalfTest, F8E4M3SaturatesAndKeepsNan) {
  EXPECT_EQ(F32ToF8E4M3(1e30f), 0x7e);
  EXPECT_EQ(F32ToF8E4M3(-HUGE_VALF), 0xfe);
  EXPECT_TRUE(std::isnan(F8E4M3ToF32(F32ToF8E4M3(std::nanf("")))));
}

}  // namespace
}  // namespace quire::kernels
