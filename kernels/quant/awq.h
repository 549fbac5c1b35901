#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "kernels/quant/group_codes.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// How an AWQ checkpoint lays out its 4-bit codes: "version" of its configuration.
enum class AwqLayout : std::uint8_t { kGemm, kGemv, kGemvFast };

// A linear layer as AWQ checkpoints store it, with g = k / group_size.
//   gemm, gemv: value[n, k] = scales[n, g] * (q[n, k] - zeros[n, g])
//   gemv_fast:  value[n, k] = scales[n, g] * q[n, k] + zeros[n, g], zeros being scaled already
//
// gemm packs along `out`: a word has 8 outputs, whose nibbles stand in the order 0 2 4 6 1 3 5 7.
// gemv packs along `in` in natural order. gemv_fast puts four outputs into a 16-bit word after
// permuting 32 inputs at a time.
// Source: AutoAWQ, awq/modules/linear/{gemm,gemv,gemv_fast}.py and awq/utils/packing_utils.py.
struct AwqTensors {
  AwqLayout layout = AwqLayout::kGemm;
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t group_size = 128;  // divides `in`
  // gemm: 32-bit [in, out / 8]; gemv: 32-bit [out, in / 8]; gemv_fast: 16-bit [out / 4, in].
  const void* qweight = nullptr;
  // gemm: 32-bit [groups, out / 8]; gemv: 32-bit [out, padded_groups / 8]; gemv_fast:
  // scale_dtype [padded_groups, out]. Null where zero_point is off: every zero point is 8 then.
  const void* qzeros = nullptr;
  // gemm: [groups, out]; gemv: [out, padded_groups]; gemv_fast: [padded_groups, out].
  const void* scales = nullptr;
  DType scale_dtype = DType::kF16;  // f16, bf16 or f32

  std::int64_t num_groups() const { return in / group_size; }
};

// Columns that gemv and gemv_fast give to the groups: eight a word, and words for whole vectors.
std::int64_t AwqPaddedGroups(std::int64_t in, std::int64_t group_size);

// The weight over these tensors, which must stay as they are. Returns INVALID_ARGUMENT if
// group_size does not divide `in`, or the shape does not fill whole words.
StatusOr<std::unique_ptr<QuantizedWeight>> NewAwqWeight(const AwqTensors& tensors);

// Reference decoder: [out, in] f32, element by element. Rounded to scale_dtype, which is what
// AutoAWQ computes in, these are its weights bit for bit. Requires tensors that NewAwqWeight
// accepts.
std::vector<float> DecodeAwq(const AwqTensors& tensors);

// The tensors of the gemm layout.
struct PackedAwq {
  std::vector<std::uint32_t> qweight;  // [in, out / 8]
  std::vector<std::uint32_t> qzeros;   // [groups, out / 8]
  std::vector<std::uint16_t> scales;   // [groups, out] f16
};

// Requires: `out` is a multiple of 8; groups are runs of inputs, as long as one another.
PackedAwq PackAwqGemm(const GroupCodes& codes);

}  // namespace quire::kernels
