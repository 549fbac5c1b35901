#pragma once

#include <cstdint>
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

// down(f(gate(x)) * up(x)), the MLP of Llama. Source: Shazeer 2020, "GLU Variants Improve
// Transformer", eq. 6.
//
// Thread-safe: immutable after Load.
class GatedMlp {
 public:
  // Reads gate_proj, up_proj and down_proj below `prefix`.
  static StatusOr<GatedMlp> Load(WeightLoader& loader, const std::string& prefix,
                                 const MlpShape& shape);

  // Adds the output for `x` [tokens, hidden_size] to `residual`. `gate` and `up`, both
  // [tokens, intermediate_size], are scratch.
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
               const kernels::MatrixView& gate, const kernels::MatrixView& up,
               const LayerContext& context) const;

 private:
  GatedMlp(Linear gate, Linear up, Linear down, kernels::ActivationKind activation)
      : gate_(std::move(gate)),
        up_(std::move(up)),
        down_(std::move(down)),
        activation_(activation) {}

  Linear gate_;
  Linear up_;
  Linear down_;
  kernels::ActivationKind activation_;
};

// down(f(up(x))), the MLP of BERT.
//
// Thread-safe: immutable after Load.
class Mlp {
 public:
  static StatusOr<Mlp> Load(WeightLoader& loader, const std::string& up_name,
                            const std::string& down_name, const MlpShape& shape);

  // Adds the output for `x` [tokens, hidden_size] to `residual`, which may be `x`. `scratch`:
  // [tokens, intermediate_size].
  void Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
               const kernels::MatrixView& scratch, const LayerContext& context) const;

 private:
  Mlp(Linear up, Linear down, kernels::ActivationKind activation)
      : up_(std::move(up)), down_(std::move(down)), activation_(activation) {}

  Linear up_;
  Linear down_;
  kernels::ActivationKind activation_;
};

}  // namespace quire::engine
