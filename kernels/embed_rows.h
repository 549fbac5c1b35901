#pragma once

#include <cstdint>

#include "kernels/quantized_linear.h"
#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// Row lookup: out[t, :] = table[ids[t], :], or += with `accumulate` (BERT adds token, position and
// type rows).
struct EmbedRowsArgs {
  MatrixView table;                   // [vocab_size, hidden] f32, f16 or bf16
  const std::int32_t* ids = nullptr;  // [tokens], each in [0, vocab_size)
  MatrixView out;                     // [tokens, hidden] f32
  bool accumulate = false;
};

// Requires ids in range: the engine validates them when a request arrives.
using EmbedRowsFn = void(const EmbedRowsArgs& args, Stream& stream);

// Row lookup in a quantized table: out[t, :] = decoded row ids[t]. The rows have the bits that the
// format's definition gives them, and no others of the table are decoded.
struct QuantizedEmbedRowsArgs {
  const PackedWeight* table = nullptr;  // [vocab_size, hidden], from PackWeight of the same device
  const std::int32_t* ids = nullptr;    // [tokens], each in [0, vocab_size)
  MatrixView out;                       // [tokens, hidden] f32
};

// Requires ids in range, as EmbedRowsFn.
using QuantizedEmbedRowsFn = void(const QuantizedEmbedRowsArgs& args, Stream& stream);

}  // namespace quire::kernels
