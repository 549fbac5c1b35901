#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "kernels/cuda/weight_view.h"

// The scales and shifts of a packed weight.

namespace quire::kernels::cuda {

struct GroupTerms {
  float scale;
  float shift;
};

__device__ inline float HalfBitsToFloat(std::uint16_t bits, bool is_bf16) {
  return is_bf16 ? __uint_as_float(static_cast<std::uint32_t>(bits) << 16)
                 : __half2float(__ushort_as_half(bits));
}

__device__ inline std::uint16_t LowHalf(std::uint32_t word) {
  return static_cast<std::uint16_t>(word);
}
__device__ inline std::uint16_t HighHalf(std::uint32_t word) {
  return static_cast<std::uint16_t>(word >> 16);
}

// Of output `output` of a tile. `terms`: of its tile and granule; `steps`: of its tile and step.
__device__ inline GroupTerms LoadTerms(const WeightView& w, const std::uint8_t* terms,
                                       const std::uint8_t* steps, int output) {
  switch (w.term_kind) {
    case TermKind::kFloat:
      return {reinterpret_cast<const float*>(terms)[output], w.constant_zero};
    case TermKind::kFloatShift: {
      const float2 both = reinterpret_cast<const float2*>(terms)[output];
      return {both.x, both.y};
    }
    case TermKind::kHalf:
      return {
          HalfBitsToFloat(reinterpret_cast<const std::uint16_t*>(terms)[output], w.half_is_bf16),
          w.constant_zero};
    case TermKind::kHalfShift: {
      const std::uint32_t both = reinterpret_cast<const std::uint32_t*>(terms)[output];
      const bool shift_is_bf16 = w.half_is_bf16 && w.shift_use == ShiftUse::kOffset;
      return {HalfBitsToFloat(LowHalf(both), w.half_is_bf16),
              HalfBitsToFloat(HighHalf(both), shift_is_bf16)};
    }
    case TermKind::kStepped: {
      const std::uint16_t step = reinterpret_cast<const std::uint16_t*>(steps)[output];
      const auto multiple = static_cast<float>(reinterpret_cast<const std::int8_t*>(terms)[output]);
      return {HalfBitsToFloat(step, false) * multiple, w.constant_zero};
    }
    case TermKind::kSteppedShift: {
      const std::uint32_t step = reinterpret_cast<const std::uint32_t*>(steps)[output];
      const auto* const both = reinterpret_cast<const std::int8_t*>(terms) + 2 * output;
      return {HalfBitsToFloat(LowHalf(step), false) * static_cast<float>(both[0]),
              HalfBitsToFloat(HighHalf(step), false) * static_cast<float>(both[1])};
    }
  }
  return {0.0f, 0.0f};
}

}  // namespace quire::kernels::cuda
