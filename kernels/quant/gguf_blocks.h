#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "kernels/quant/quantized_weight.h"

namespace quire::kernels {

// The quantized block types of GGUF files that we compute with.
enum class GgufBlockType : std::uint8_t {
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
};
inline constexpr int kNumGgufBlockTypes = 12;

// One block holds this many inputs of one output in this many bytes.
struct GgufBlockSize {
  const char* name;  // "Q4_K"
  std::int64_t inputs;
  std::int64_t bytes;
};
const GgufBlockSize& SizeOf(GgufBlockType type);

// The sixteen values of IQ4_NL and IQ4_XS. Source: ggml, src/ggml-common.h, kvalues_iq4nl.
extern const std::array<float, 16> kIq4Values;

// A linear layer as GGUF files store it: every output is a row of blocks, which hold their scales
// beside their codes. In blocks of 256 inputs the scales of 16 or 32 inputs are small integers
// times an f16 of the block. Source: ggml, src/ggml-common.h and the dequantize_row functions of
// src/ggml-quants.c.
struct GgufBlocks {
  GgufBlockType type = GgufBlockType::kQ4_0;
  std::int64_t out = 0;
  std::int64_t in = 0;                   // a multiple of a block's inputs
  const std::uint8_t* blocks = nullptr;  // [out, in / inputs of a block], of any alignment
};

// The weight over these blocks, which must stay as they are. Returns INVALID_ARGUMENT unless a row
// is whole blocks.
StatusOr<std::unique_ptr<QuantizedWeight>> NewGgufWeight(const GgufBlocks& blocks);

// Reference decoder: [out, in] f32, element by element; bit for bit what `gguf.dequantize` of the
// Python package gives. Requires blocks that NewGgufWeight accepts.
std::vector<float> DecodeGguf(const GgufBlocks& blocks);

}  // namespace quire::kernels
