#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "kernels/quant/group_codes.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// A linear layer as GPTQ checkpoints store it: value[n, k] = scales[g, n] * (q[k, n] - z[g, n])
// with g = g_idx[k].
//
// Codes are packed along `in`, zero points along `out`, `bits` bits each, the lowest first. With 3
// bits 32 fields fill three words, two of them across a word's end.
// Source: AutoGPTQ, auto_gptq/nn_modules/qlinear/qlinear_cuda.py.
struct GptqTensors {
  int bits = 4;  // 2, 3, 4 or 8
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int32_t num_groups = 0;
  const std::uint32_t* qweight = nullptr;  // [in * bits / 32, out]
  const std::uint32_t* qzeros = nullptr;   // [num_groups, out * bits / 32]
  const void* scales = nullptr;            // [num_groups, out]
  DType scale_dtype = DType::kF16;         // f16, bf16 or f32
  const std::int32_t* g_idx = nullptr;     // [in], in [0, num_groups); null: k / group_size
  std::int64_t group_size = 0;             // counts only without g_idx
  // checkpoint_format "gptq": a field holds its zero point minus one. In "gptq_v2" it does not.
  bool zeros_minus_one = true;
  // Of an asymmetric quantizer zero lies in the range, so its zero points are in [0, 2^bits - 1]
  // and a field of all ones is a 0 that has wrapped. Of a symmetric one they are 2^(bits - 1), and
  // nothing wraps.
  bool symmetric = true;
};

// The weight over these tensors, which must stay as they are. Returns INVALID_ARGUMENT if `bits` is
// another, `in` or `out` do not fill whole words, or an entry of g_idx is no group.
StatusOr<std::unique_ptr<QuantizedWeight>> NewGptqWeight(const GptqTensors& tensors);

// Reference decoder: [out, in] f32, element by element. Rounded to scale_dtype, which is what
// AutoGPTQ computes in, these are its weights bit for bit. Requires tensors that NewGptqWeight
// accepts.
std::vector<float> DecodeGptq(const GptqTensors& tensors);

// The tensors of 4-bit codes, checkpoint_format "gptq".
struct PackedGptq {
  std::vector<std::uint32_t> qweight;  // [in / 8, out]
  std::vector<std::uint32_t> qzeros;   // [num_groups, out / 8], zero points minus one
  std::vector<std::uint16_t> scales;   // [num_groups, out] f16
  std::vector<std::int32_t> g_idx;     // [in]
};

// Requires: `out` and `in` are multiples of 8, zero points at least 1.
PackedGptq PackGptq(const GroupCodes& codes);

}  // namespace quire::kernels
