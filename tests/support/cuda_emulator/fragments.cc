#include "tests/support/cuda_emulator/fragments.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/half.h"
#include "tests/support/cuda_emulator/grid.h"

namespace quire::cuda_emulator {
namespace {

constexpr std::uint32_t kWholeWarp = 0xffffffffu;
constexpr std::size_t kRowBytes = 16;
constexpr int kM = 16;
constexpr int kN = 8;
constexpr int kK = 16;
constexpr int kStep = 8;  // products that are added at once

struct LdMatrixOperand {
  const unsigned char* row;
  unsigned* r;  // [4]
};

template <bool kTransposed>
void LoadFragments(void* const* lanes) {
  const auto operand = [&](int lane) { return *static_cast<LdMatrixOperand*>(lanes[lane]); };
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < 4; ++matrix) {
      std::array<std::uint16_t, 2> pair;
      for (int i = 0; i < 2; ++i) {
        const int row = kTransposed ? 2 * (lane % 4) + i : lane / 4;
        const int column = kTransposed ? lane / 4 : 2 * (lane % 4) + i;
        std::memcpy(&pair[static_cast<std::size_t>(i)], operand(8 * matrix + row).row + 2 * column,
                    2);
      }
      operand(lane).r[matrix] = std::bit_cast<unsigned>(pair);
    }
  }
}

template <typename Sum>
struct MmaOperand {
  Sum* c;             // [4]
  const unsigned* a;  // [4]
  unsigned b[2];
};

// All 2^16 values of a 16-bit format.
template <float (*kDecode)(std::uint16_t)>
const float* Table() {
  static const std::vector<float> values = [] {
    std::vector<float> v(1 << 16);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = kDecode(static_cast<std::uint16_t>(i));
    return v;
  }();
  return values.data();
}

// The power of two that brings numbers below 2^(exponent + 1) to below 2^26.
double AlignedScale(double largest) {
  return largest == 0 ? 1.0 : std::ldexp(1.0, 25 - std::ilogb(largest));
}

float CutToF32(double sum) {
  const auto rounded = static_cast<float>(sum);
  return std::abs(static_cast<double>(rounded)) > std::abs(sum) ? std::nextafter(rounded, 0.0f)
                                                                : rounded;
}

// c + sum of a[k] * b[k] over kStep products.
float AddStep(float c, const float* a, const float* b) {
  std::array<double, kStep> products;
  double largest = std::abs(c);
  bool finite = std::isfinite(c);
  for (std::size_t k = 0; k < kStep; ++k) {
    products[k] = static_cast<double>(a[k]) * b[k];
    largest = std::max(largest, std::abs(products[k]));
    finite = finite && std::isfinite(products[k]);
  }
  if (!finite) {
    for (double product : products) c += static_cast<float>(product);
    return c;
  }
  const double scale = AlignedScale(largest);
  auto sum = static_cast<std::int64_t>(c * scale);
  for (double product : products) sum += static_cast<std::int64_t>(product * scale);
  return CutToF32(static_cast<double>(sum) / scale);
}

template <float (*kDecode)(std::uint16_t)>
void MultiplyHalves(void* const* lanes) {
  const float* const table = Table<kDecode>();
  float a[kM][kK];
  float b[kN][kK];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& operand = *static_cast<MmaOperand<float>*>(lanes[lane]);
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      const int row = g + 8 * (i % 2);
      const int column = 2 * t + 8 * (i / 2);
      a[row][column] = table[operand.a[i] & 0xffff];
      a[row][column + 1] = table[operand.a[i] >> 16];
    }
    for (int i = 0; i < 2; ++i) {
      b[g][2 * t + 8 * i] = table[operand.b[i] & 0xffff];
      b[g][2 * t + 8 * i + 1] = table[operand.b[i] >> 16];
    }
  }
  if (IsPlanted("mma")) a[kM - 1][kK - 1] = 0;
  for (int lane = 0; lane < 32; ++lane) {
    const auto& operand = *static_cast<MmaOperand<float>*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + 8 * (i / 2);
      const int column = 2 * (lane % 4) + i % 2;
      for (int k = 0; k < kK; k += kStep) {
        operand.c[i] = AddStep(operand.c[i], a[row] + k, b[column] + k);
      }
    }
  }
}

void MultiplyBytes(void* const* lanes) {
  constexpr int kBytes = 32;
  std::int8_t a[kM][kBytes];
  std::int8_t b[kN][kBytes];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& operand = *static_cast<MmaOperand<int>*>(lanes[lane]);
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      std::memcpy(&a[g + 8 * (i % 2)][4 * t + 16 * (i / 2)], &operand.a[i], 4);
    }
    for (int i = 0; i < 2; ++i) std::memcpy(&b[g][4 * t + 16 * i], &operand.b[i], 4);
  }
  for (int lane = 0; lane < 32; ++lane) {
    const auto& operand = *static_cast<MmaOperand<int>*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < kBytes; ++k) {
        operand.c[i] += a[lane / 4 + 8 * (i / 2)][k] * b[2 * (lane % 4) + i % 2][k];
      }
    }
  }
}

template <typename Sum>
void Mma(const char* name, Sum (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1,
         CollectiveFn* fn) {
  MmaOperand<Sum> operand = {c, a, {b0, b1}};
  Collective(name, kWholeWarp, &operand, fn);
}

}  // namespace

void LdMatrix(unsigned (&r)[4], const void* row, bool transposed) {
  CheckShared("ldmatrix", row, kRowBytes, kRowBytes);
  LdMatrixOperand operand = {static_cast<const unsigned char*>(row), r};
  Collective("ldmatrix", kWholeWarp, &operand,
             transposed ? &LoadFragments<true> : &LoadFragments<false>);
}

void MmaF16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  Mma("mma", c, a, b0, b1, &MultiplyHalves<&kernels::F16ToF32>);
}

void MmaBF16(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  Mma("mma", c, a, b0, b1, &MultiplyHalves<&kernels::BF16ToF32>);
}

void MmaI8(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  Mma("mma", c, a, b0, b1, &MultiplyBytes);
}

}  // namespace quire::cuda_emulator
