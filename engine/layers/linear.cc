#include "engine/layers/linear.h"

namespace quire::engine {

StatusOr<Linear> Linear::Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                              std::int64_t in, bool has_bias) {
  QUIRE_ASSIGN_OR_RETURN(Weight weight, loader.Matrix(name + ".weight", out, in));
  Linear linear(std::move(weight));
  if (has_bias) {
    QUIRE_ASSIGN_OR_RETURN(linear.bias_, loader.Vector(name + ".bias", out));
  }
  return linear;
}

void Linear::Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
                     const LayerContext& context) const {
  context.kernels.linear({.x = x,
                          .weight = weight_.view,
                          .bias = bias_ ? bias_->view : kernels::MatrixView{},
                          .y = y,
                          .accumulate = accumulate},
                         context.stream);
}

}  // namespace quire::engine
