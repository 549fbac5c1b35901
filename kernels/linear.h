#pragma once

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// y = x W^T + bias, or y += with `accumulate` (residual connections). Accumulates in f32.
//
// The order in which a row's products are summed depends on `in` alone, never on `tokens`: a row
// gives the same bits alone and in any batch. A device named ".../half" may round x to the type of
// a 16-bit weight where there are many tokens, and then takes the order of a library.
struct LinearArgs {
  MatrixView x;       // [tokens, in] f32
  MatrixView weight;  // [out, in] f32, f16 or bf16; from Device::ImportWeight
  MatrixView bias;    // [1, out] f32; data == nullptr means none
  MatrixView y;       // [tokens, out] f32; must not alias x
  bool accumulate = false;
};
using LinearFn = void(const LinearArgs& args, Stream& stream);

}  // namespace quire::kernels
