#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

enum class ActivationKind : std::uint8_t {
  kSilu,      // x / (1 + exp(-x))
  kGelu,      // x / 2 * (1 + erf(x / sqrt 2))
  kGeluTanh,  // the tanh approximation of Hendrycks and Gimpel 2016
  kRelu,
};

// out = f(gate) * up, element by element.
struct GatedActivationArgs {
  MatrixView gate;  // [tokens, intermediate] f32
  MatrixView up;    // the same
  MatrixView out;   // the same; may alias gate or up
  ActivationKind kind = ActivationKind::kSilu;
};
using GatedActivationFn = void(const GatedActivationArgs& args, Stream& stream);

// x = f(x) in place.
struct ActivationArgs {
  MatrixView x;  // [tokens, intermediate] f32
  ActivationKind kind = ActivationKind::kGelu;
};
using ActivationFn = void(const ActivationArgs& args, Stream& stream);

// x += y, element by element.
struct AddArgs {
  MatrixView x;  // [tokens, hidden] f32
  MatrixView y;  // the same
};
using AddFn = void(const AddArgs& args, Stream& stream);

// x *= factor, element by element.
struct ScaleArgs {
  MatrixView x;  // [tokens, hidden] f32
  float factor = 1.0f;
};
using ScaleFn = void(const ScaleArgs& args, Stream& stream);

// x = cap * tanh(x / cap), element by element: near the identity below `cap`, which bounds the
// result. Source: Gemma Team 2024, "Gemma 2", section 2.
struct SoftCapArgs {
  MatrixView x;       // [tokens, vocab_size] f32
  float cap = 30.0f;  // positive
};
using SoftCapFn = void(const SoftCapArgs& args, Stream& stream);

}  // namespace quire::kernels
