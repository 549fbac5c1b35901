#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// Ways to quantize a weight without looking at what it is multiplied with.
enum class RoundingKind : std::uint8_t {
  kInt8,  // 8 bits, a scale per output: round(w * 127 / absmax)
  kInt4,  // 4 bits, a bf16 scale per group: round(w / scale), the largest |w| being code -8
  kNf4,   // 4 bits, a bf16 scale per group: the NF4 value nearest to w / Nf4Scale
};

// "int8", "int4" or "nf4".
const char* RoundingKindName(RoundingKind kind);
// The names there are, for `--quantize`.
inline constexpr std::array<std::string_view, 3> kRoundingKinds = {"int8", "int4", "nf4"};
// The kind of one of these names. Returns INVALID_ARGUMENT for any other.
StatusOr<RoundingKind> ParseRoundingKind(std::string_view name);

// Inputs that share a scale in kInt4 and kNf4, which so have one size.
inline constexpr std::int64_t kRoundingGroupSize = 64;

// `weight` [out, in] f32, f16 or bf16, quantized as it is read; its memory must stay as it is.
// An element that is no number, or too large for a finite scale, makes its group's scale zero or
// its values not numbers; nothing traps. Returns INVALID_ARGUMENT for another dtype.
StatusOr<std::unique_ptr<QuantizedWeight>> RoundToNearest(const MatrixView& weight,
                                                          RoundingKind kind);

}  // namespace quire::kernels
