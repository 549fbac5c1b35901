#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "kernels/quant/nf4.h"
#include "kernels/quant/quantized_weight.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// The sixteen values of FP4, a sign, two bits of exponent and one of mantissa, scaled to [-1, 1].
// Source: bitsandbytes, csrc/kernels.cu, dDequantizeFP4Tree.
extern const std::array<float, 16> kFp4Values;

// A linear layer as bitsandbytes stores it in 4 bits: the weight [out, in] as one row of codes, two
// a byte, the high nibble first; value[i] = table[code[i]] * absmax[i / block_size]. Blocks may run
// on from one output into the next.
// Source: bitsandbytes, bitsandbytes/functional.py and backends/default/ops.py.
struct Bnb4Tensors {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t block_size = 64;
  const std::uint8_t* codes = nullptr;  // [(out * in + 1) / 2]
  const float* table = nullptr;         // [16]
  // One per block: f32, or with nested statistics a code of 8 bits that stands for
  // nested_table[code] * nested_absmax[block / nested_block_size] + nested_offset.
  const float* absmax = nullptr;
  const std::uint8_t* nested_codes = nullptr;
  const float* nested_table = nullptr;  // [256]
  const float* nested_absmax = nullptr;
  std::int64_t nested_block_size = 256;
  float nested_offset = 0;

  std::int64_t num_blocks() const { return (out * in + block_size - 1) / block_size; }
};

// The tensors of a weight in NF4: of each block Nf4Scale, and the values nearest to w over it.
struct EncodedNf4 {
  std::vector<std::uint8_t> codes;
  std::vector<float> absmax;
};

// `weight` [out, in] f32, dense, finite. Source: Dettmers et al. 2023, "QLoRA", eq. 1;
// bitsandbytes, quantize_blockwise.
EncodedNf4 EncodeNf4(const MatrixView& weight, std::int64_t block_size);

// The weight over these tensors, which must stay as they are. Where blocks straddle outputs its
// groups are the largest runs that no block boundary cuts. Returns INVALID_ARGUMENT unless the
// block sizes are positive.
StatusOr<std::unique_ptr<QuantizedWeight>> NewBnb4Weight(const Bnb4Tensors& tensors);

// Reference decoder: [out, in] f32, element by element. Bit for bit what bitsandbytes gives as f32,
// and rounded to f16 or bf16 what it gives in those. Requires tensors that NewBnb4Weight accepts.
std::vector<float> DecodeBnb4(const Bnb4Tensors& tensors);

// A linear layer in LLM.int8: value[n, k] = codes[n, k] * absmax[n] / 127.
// Source: Dettmers et al. 2022, "LLM.int8()", section 2; bitsandbytes, int8_vectorwise_dequant.
struct Int8Tensors {
  std::int64_t out = 0;
  std::int64_t in = 0;
  const std::int8_t* codes = nullptr;  // [out, in]
  const float* absmax = nullptr;       // [out], "SCB" in files
};

struct EncodedInt8 {
  std::vector<std::int8_t> codes;
  std::vector<float> absmax;
};

// `weight` [out, in] f32, finite: round(w / absmax * 127), half to even.
EncodedInt8 EncodeInt8(const MatrixView& weight);

std::unique_ptr<QuantizedWeight> NewInt8Weight(const Int8Tensors& tensors);

// Reference decoder: [out, in] f32, bit for bit what int8_vectorwise_dequant gives.
std::vector<float> DecodeInt8(const Int8Tensors& tensors);

}  // namespace quire::kernels
