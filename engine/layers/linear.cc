#include "engine/layers/linear.h"

namespace quire::engine {

StatusOr<Linear> Linear::Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                              std::int64_t in, bool has_bias) {
  QUIRE_ASSIGN_OR_RETURN(Weight weight, loader.Matrix(name + ".weight", out, in));
  Weight bias;
  if (has_bias) {
    QUIRE_ASSIGN_OR_RETURN(bias, loader.Vector(name + ".bias", out));
  }
  return Linear(std::move(weight), std::move(bias));
}

void Linear::Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
                     const LayerContext& context) const {
  context.kernels.linear(
      {.x = x, .weight = weight_.view, .bias = bias_.view, .y = y, .accumulate = accumulate},
      context.stream);
}

}  // namespace quire::engine
