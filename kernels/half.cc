#include "kernels/half.h"

#include <algorithm>
#include <bit>

namespace quire::kernels {

float F16ToF32(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  // Placing the bits 13 higher gives the value times 2^-112, subnormals included.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

std::uint16_t F32ToF16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t result = 0;
  if (magnitude > 0x7f800000u) {  // NaN, made quiet
    result = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // rounds above the largest f16, 65504
    result = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24, the ulp of 0.5f
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    result = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f);
  } else {
    result = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | result);
}

float BF16ToF32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t F32ToBF16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {  // NaN: rounding could turn it into infinity
    return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float F8E4M3ToF32(std::uint8_t bits) {
  const std::uint32_t sign = (bits & 0x80u) << 24;
  const std::uint32_t magnitude = bits & 0x7fu;
  if (magnitude == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
  // Placing the bits 20 higher gives the value times 2^-120, subnormals included.
  const float scaled = std::bit_cast<float>(magnitude << 20) * 0x1p120f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

std::uint8_t F32ToF8E4M3(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 24) & 0x80u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t result = 0;
  if (magnitude > 0x7f800000u) {  // NaN
    result = 0x7fu;
  } else if (magnitude >= 0x43e00000u) {  // 448
    result = 0x7eu;
  } else if (magnitude < 0x3c800000u) {  // below 2^-6: a multiple of 2^-9, the ulp of 2^14
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14f;
    result = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0x1p14f);
  } else {
    result = (magnitude + 0x7ffffu + ((magnitude >> 20) & 1u) - (120u << 23)) >> 20;
  }
  return static_cast<std::uint8_t>(sign | result);
}

void ConvertToF32(DType dtype, const void* from, float* to, std::int64_t count) {
  if (dtype == DType::kF32) {
    std::copy_n(static_cast<const float*>(from), count, to);
    return;
  }
  // A loop of its own for each, so that compilers make vectors of it.
  const auto* bits = static_cast<const std::uint16_t*>(from);
  if (dtype == DType::kF16) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = F16ToF32(bits[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = BF16ToF32(bits[i]);
  }
}

void ConvertFromF32(DType dtype, const float* from, void* to, std::int64_t count) {
  if (dtype == DType::kF32) {
    std::copy_n(from, count, static_cast<float*>(to));
    return;
  }
  auto* bits = static_cast<std::uint16_t*>(to);
  if (dtype == DType::kF16) {
    for (std::int64_t i = 0; i < count; ++i) bits[i] = F32ToF16(from[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) bits[i] = F32ToBF16(from[i]);
  }
}

}  // namespace quire::kernels
