#pragma once

#include <cstdint>

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

}  // namespace quire::kernels
