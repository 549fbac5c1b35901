#pragma once

#include <string>

#include "kernels/tensor.h"

namespace quire::engine {

// Sees what linear layers are given; see LayerContext. Implementations: MomentObserver.
class LinearObserver {
 public:
  virtual ~LinearObserver() = default;
  // Called before the product of the layer `name` ("model.layers.0.mlp.up_proj") is enqueued. `x`:
  // [tokens, in] f32 on the device, the work that computes it maybe not done yet.
  virtual void OnInput(const std::string& name, const kernels::MatrixView& x) = 0;
};

}  // namespace quire::engine
