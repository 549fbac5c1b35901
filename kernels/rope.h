#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// Rotary position embedding in place on half-split pairs (x[i], x[i + rotary_dim / 2]) of each
// head; the pair i at position p turns by the angle p * inverse_frequency[i], and the result is
// multiplied by `attention_factor` (1 but for yarn and longrope). Elements from `rotary_dim` on
// stay. Source: Su et al. 2021, "RoFormer", eq. 34, with the pairing of Hugging Face checkpoints.
struct RopeArgs {
  MatrixView x;                              // [tokens, num_heads * head_dim] f32, in place
  const std::int32_t* positions = nullptr;   // [tokens]
  const float* inverse_frequency = nullptr;  // [rotary_dim / 2] radians per position
  std::int32_t head_dim = 0;
  std::int32_t rotary_dim = 0;  // even, at most head_dim
  float attention_factor = 1.0f;
};
// The angle and its sine and cosine are computed in f64 or with an error below 1e-6 at position
// 131,072.
using RopeFn = void(const RopeArgs& args, Stream& stream);

}  // namespace quire::kernels
