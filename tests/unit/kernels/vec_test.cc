#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/device.h"
#include "kernels/half.h"
#include "tests/unit/kernels/vec_probe.h"

namespace quire::kernels::cpu {
namespace {

#if defined(__x86_64__)
constexpr const VecProbe* kProbes[] = {&kBaselineProbe, &kAvx2Probe, &kAvx512Probe};
#else
constexpr const VecProbe* kProbes[] = {&kBaselineProbe};
#endif

class VecTest : public ::testing::TestWithParam<const VecProbe*> {
 protected:
  void SetUp() override {
    if (!FindDevice(probe_.name).ok()) GTEST_SKIP() << "this processor has no " << probe_.name;
    lanes_ = static_cast<std::size_t>(probe_.lanes);
  }
  std::vector<float> Counting() const {
    std::vector<float> values(lanes_);
    std::iota(values.begin(), values.end(), 1.0f);
    return values;
  }

  const VecProbe& probe_ = *GetParam();
  std::size_t lanes_ = 0;
};

// |a - b| in units of the last place of `b`.
double UlpDistance(float a, double b) {
  const auto rounded = static_cast<float>(b);
  const double ulp =
      std::nextafter(std::abs(rounded), std::numeric_limits<float>::infinity()) - std::abs(rounded);
  return std::abs(static_cast<double>(a) - b) / ulp;
}

TEST_P(VecTest, ExpIsWithinTwoUlpOverItsWholeRange) {
  // Every 64th float from 2^-24 to the limits, both signs.
  std::vector<float> x;
  for (std::uint32_t bits = std::bit_cast<std::uint32_t>(0x1p-24f);
       bits < std::bit_cast<std::uint32_t>(88.72283f); bits += 64) {
    x.push_back(std::bit_cast<float>(bits));
    if (x.back() < 87.336f) x.push_back(-x.back());
  }
  while (x.size() % lanes_ != 0) x.push_back(0.0f);
  std::vector<float> y(x.size());
  probe_.exp(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  double worst = 0;
  float worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double distance = UlpDistance(y[i], std::exp(static_cast<double>(x[i])));
    if (distance > worst) {
      worst = distance;
      worst_at = x[i];
    }
  }
  EXPECT_LE(worst, 2.0) << "at " << worst_at;
  RecordProperty("worst_ulp", std::to_string(worst));
}

TEST_P(VecTest, ExpHandlesTheEnds) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float cases[][2] = {{0.0f, 1.0f},         {-0.0f, 1.0f},     {-infinity, 0.0f},
                            {infinity, infinity}, {89.0f, infinity}, {-104.0f, 0.0f},
                            {1e30f, infinity},    {-1e30f, 0.0f}};
  for (const auto& [x, wanted] : cases) {
    std::vector<float> in(lanes_, x);
    std::vector<float> out(lanes_);
    probe_.exp(in.data(), out.data(), probe_.lanes);
    EXPECT_EQ(out[0], wanted) << x;
  }
  std::vector<float> nan(lanes_, std::numeric_limits<float>::quiet_NaN());
  probe_.exp(nan.data(), nan.data(), probe_.lanes);
  EXPECT_TRUE(std::isnan(nan[0]));
}

TEST_P(VecTest, TransposeSwapsRowsAndLanes) {
  std::vector<float> from(lanes_ * lanes_);
  std::iota(from.begin(), from.end(), 0.0f);
  std::vector<float> to(from.size());
  probe_.transpose(from.data(), to.data());
  for (std::size_t i = 0; i < lanes_; ++i) {
    for (std::size_t j = 0; j < lanes_; ++j) EXPECT_EQ(to[i * lanes_ + j], from[j * lanes_ + i]);
  }
}

TEST_P(VecTest, PartialLoadAndStoreTouchTheirLanesOnly) {
  for (std::size_t n = 0; n < lanes_; ++n) {
    const std::vector<float> from(n, 5.0f);  // exactly n, so that AddressSanitizer sees more
    std::vector<float> to(2 * lanes_, -1.0f);
    probe_.copy_partial(from.data(), to.data(), static_cast<int>(n));
    for (std::size_t i = 0; i < lanes_; ++i) {
      EXPECT_EQ(to[i], i < n ? 5.0f : 0.0f);
      EXPECT_EQ(to[lanes_ + i], i < n ? 5.0f : -1.0f);
    }
  }
}

TEST_P(VecTest, RoundTakesTiesToEven) {
  for (float x : {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 127.0f, -126.4f, 0.0f}) {
    std::vector<float> in(lanes_, x);
    std::vector<float> out(lanes_);
    probe_.round(in.data(), out.data());
    EXPECT_EQ(out[0], std::nearbyint(x)) << x;
  }
}

TEST_P(VecTest, ReductionsSeeEveryLane) {
  std::vector<float> x = Counting();
  const float n = static_cast<float>(lanes_);
  EXPECT_EQ(probe_.sum(x.data()), n * (n + 1) / 2);
  for (std::size_t i = 0; i < lanes_; ++i) {
    std::vector<float> peak(lanes_, -3.0f);
    peak[i] = -1.0f;
    EXPECT_EQ(probe_.max_lane(peak.data()), -1.0f);
  }
}

TEST_P(VecTest, HalvesAgreeWithTheScalarConversions) {
  std::vector<std::uint16_t> in(lanes_);
  std::vector<float> out(lanes_);
  const auto same = [](float a, float b) {
    return (std::isnan(a) && std::isnan(b)) ||
           std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  };
  for (std::uint32_t base = 0; base <= 0xffff; base += static_cast<std::uint32_t>(lanes_)) {
    std::iota(in.begin(), in.end(), static_cast<std::uint16_t>(base));
    probe_.load_f16(in.data(), out.data());
    for (std::size_t i = 0; i < lanes_; ++i) ASSERT_TRUE(same(out[i], F16ToF32(in[i]))) << in[i];
    probe_.load_bf16(in.data(), out.data());
    for (std::size_t i = 0; i < lanes_; ++i) ASSERT_TRUE(same(out[i], BF16ToF32(in[i]))) << in[i];
  }
  std::mt19937 random(7);
  std::vector<std::uint16_t> halves(lanes_);
  for (int round = 0; round < 100'000; ++round) {
    for (float& value : out) value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    probe_.store_f16(out.data(), halves.data());
    for (std::size_t i = 0; i < lanes_; ++i) {
      if (std::isnan(out[i])) {
        ASSERT_TRUE(std::isnan(F16ToF32(halves[i])));
      } else {
        ASSERT_EQ(halves[i], F32ToF16(out[i])) << out[i];
      }
    }
    probe_.store_bf16(out.data(), halves.data());
    for (std::size_t i = 0; i < lanes_; ++i) ASSERT_EQ(halves[i], F32ToBF16(out[i])) << out[i];
  }
}

TEST_P(VecTest, BytesAreReadExactlyAndRoundedToEven) {
  std::vector<std::int8_t> bytes(lanes_);
  std::vector<float> floats(lanes_);
  for (int base = -128; base <= 127; base += static_cast<int>(lanes_)) {
    for (std::size_t i = 0; i < lanes_; ++i) {
      bytes[i] = static_cast<std::int8_t>(base + static_cast<int>(i));
    }
    probe_.load_i8(bytes.data(), floats.data());
    for (std::size_t i = 0; i < lanes_; ++i) ASSERT_EQ(floats[i], static_cast<float>(bytes[i]));
  }
  for (int base = -127 * 4; base <= 127 * 4; base += static_cast<int>(lanes_)) {
    for (std::size_t i = 0; i < lanes_; ++i) {
      floats[i] = std::min(0.25f * static_cast<float>(base + static_cast<int>(i)), 127.0f);
    }
    probe_.store_i8(floats.data(), bytes.data());
    for (std::size_t i = 0; i < lanes_; ++i) {
      ASSERT_EQ(static_cast<float>(bytes[i]), std::nearbyint(floats[i])) << floats[i];
    }
  }
}

// Where byte `index` of a register goes: part p has bytes 4 p to 4 p + 3 of every 16.
std::size_t PlaceOfByte(std::size_t index, std::size_t lanes) {
  const std::size_t block = index / 16;
  return index % 16 / 4 * lanes + 4 * block + index % 4;
}

TEST_P(VecTest, BytesBecomeFloatsInTheirPlaces) {
  std::vector<std::uint8_t> bytes(4 * lanes_);
  std::vector<float> to(4 * lanes_);
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    probe_.bytes_to_f32(bytes.data(), to.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(to[PlaceOfByte(i, lanes_)], static_cast<float>(bytes[i])) << i;
    }
    probe_.low_nibbles(bytes.data(), to.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(to[PlaceOfByte(i, lanes_)], static_cast<float>(bytes[i] & 15)) << i;
    }
    probe_.high_nibbles(bytes.data(), to.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(to[PlaceOfByte(i, lanes_)], static_cast<float>(bytes[i] >> 4)) << i;
    }
    probe_.middle_bits(bytes.data(), to.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(to[PlaceOfByte(i, lanes_)], static_cast<float>(bytes[i] >> 2 & 3)) << i;
    }
    const std::vector<std::uint8_t> high(bytes.rbegin(), bytes.rend());
    probe_.with_bits(bytes.data(), high.data(), to.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(to[PlaceOfByte(i, lanes_)],
                static_cast<float>((bytes[i] & 15) | (high[i] & 3) << 4))
          << i;
    }
  }
}

TEST_P(VecTest, LookupGivesTheValuesBitForBit) {
  std::vector<std::uint8_t> codes(4 * lanes_);
  std::vector<float> table(16);
  std::vector<float> to(4 * lanes_);
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    for (float& value : table) value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random() % 16);
    probe_.lookup(table.data(), codes.data(), to.data());
    for (std::size_t i = 0; i < codes.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(to[PlaceOfByte(i, lanes_)]),
                std::bit_cast<std::uint32_t>(table[codes[i]]))
          << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, VecTest, ::testing::ValuesIn(kProbes),
                         [](const auto& param) { return std::string(param.param->name + 4); });

}  // namespace
}  // namespace quire::kernels::cpu
