#pragma once

#include "kernels/cpu/cpu_stream.h"
#include "kernels/linear.h"

namespace quire::kernels::cpu {

// LinearFn with a weight that lies row by row, of floats or signed bytes. Every sum is multiplied
// by its output's entry of `scales` [out], if there are any, before the bias.
void RowLinear(const LinearArgs& args, const float* scales, CpuStream& stream);

}  // namespace quire::kernels::cpu
