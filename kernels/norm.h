#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

enum class NormKind : std::uint8_t { kRms, kLayer };

// RMSNorm: out[t, i] = weight[i] * x[t, i] / sqrt(mean_j x[t, j]^2 + epsilon).
// Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
struct RmsNormArgs {
  MatrixView x;       // [tokens, hidden] f32
  MatrixView weight;  // [1, hidden] f32
  MatrixView out;     // [tokens, hidden] f32; may alias x
  float epsilon = 1e-6f;
};
using RmsNormFn = void(const RmsNormArgs& args, Stream& stream);

// LayerNorm: out[t, i] = weight[i] * (x[t, i] - mean) / sqrt(variance + epsilon) + bias[i], over
// one row; the variance is the biased one. Source: Ba, Kiros and Hinton 2016, "Layer
// Normalization", eq. 4.
struct LayerNormArgs {
  MatrixView x;       // [tokens, hidden] f32
  MatrixView weight;  // [1, hidden] f32
  MatrixView bias;    // [1, hidden] f32
  MatrixView out;     // [tokens, hidden] f32; may alias x
  float epsilon = 1e-12f;
};
using LayerNormFn = void(const LayerNormArgs& args, Stream& stream);

}  // namespace quire::kernels
