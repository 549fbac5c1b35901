#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "engine/layers/layer_context.h"
#include "engine/layers/linear.h"
#include "engine/layers/weight_loader.h"
#include "kernels/activation.h"

namespace quire::engine {

struct MlpShape {
  std::int32_t hidden_size = 0;
  std::int32_t intermediate_size = 0;
  bool bias = false;
  kernels::ActivationKind activation = kernels::ActivationKind::kSilu;
};

struct MlpPlaces {
  std::optional<LinearPlace> gate;  // [intermediate_size, hidden_size]; absent: a plain MLP
  LinearPlace up;                   // the same
  LinearPlace down;                 // [hidden_size, intermediate_size]
};

// Scratch of one forward pass, f32.
struct MlpBuffers {
  kernels::MatrixView gate = {};  // [tokens, intermediate_size]; only with a gate
  kernels::MatrixView up;         // the same
};

// down(f(gate(x)) * up(x)), the MLP of Llama, or down(f(up(x))), that of BERT and GPT-2. Source:
// Shazeer 2020, "GLU Variants Improve Transformer", eq. 6.
//
// Thread-safe: immutable after Load.
class Mlp {
 public:
  static StatusOr<Mlp> Load(WeightLoader& loader, const MlpPlaces& places, const MlpShape& shape);
  // One without a gate, by the names of its layers.
  static StatusOr<Mlp> Load(WeightLoader& loader, const std::string& up_name,
                            const std::string& down_name, const MlpShape& shape);

  // The output for `x` [tokens, hidden_size] as `out`, of the same shape, or added to it if
  // `accumulate`. `out` may be `x`.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& out, bool accumulate,
               const MlpBuffers& buffers, const LayerContext& context) const;
  // Adds the output of an MLP without a gate to `residual`.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
               const kernels::MatrixView& scratch, const LayerContext& context) const {
    Forward(x, residual, /*accumulate=*/true, {.up = scratch}, context);
  }

 private:
  Mlp(std::optional<Linear> gate, Linear up, Linear down, kernels::ActivationKind activation)
      : gate_(std::move(gate)),
        up_(std::move(up)),
        down_(std::move(down)),
        activation_(activation) {}

  std::optional<Linear> gate_;
  Linear up_;
  Linear down_;
  kernels::ActivationKind activation_;
};

}  // namespace quire::engine
