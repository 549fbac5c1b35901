#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// One vector per sequence out of its token vectors.
struct PoolArgs {
  enum class Kind { kMean, kFirst, kLast };
  MatrixView x;         // [tokens, hidden] f32
  CuSeqlens sequences;  // none may be empty
  MatrixView out;       // [num_sequences, hidden] f32
  Kind kind = Kind::kMean;
  bool normalize = true;  // to unit length; a zero vector stays zero
};
using PoolFn = void(const PoolArgs& args, Stream& stream);

}  // namespace quire::kernels
