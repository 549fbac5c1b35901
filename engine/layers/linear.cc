#include "engine/layers/linear.h"

namespace quire::engine {

StatusOr<Linear> Linear::Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                              std::int64_t in, bool has_bias) {
  QUIRE_ASSIGN_OR_RETURN(LinearWeight weight, loader.Linear(name, out, in));
  Weight bias;
  const std::string bias_name = name + ".bias";
  if (has_bias || (loader.IsQuantized(name) && loader.Contains(bias_name))) {
    QUIRE_ASSIGN_OR_RETURN(bias, loader.Vector(bias_name, out));
  }
  return Linear(std::move(weight), std::move(bias));
}

void Linear::Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
                     const LayerContext& context) const {
  if (weight_.packed != nullptr) {
    context.kernels.quantized_linear({.x = x,
                                      .weight = weight_.packed.get(),
                                      .bias = bias_.view,
                                      .y = y,
                                      .accumulate = accumulate},
                                     context.stream);
    return;
  }
  context.kernels.linear(
      {.x = x, .weight = weight_.plain.view, .bias = bias_.view, .y = y, .accumulate = accumulate},
      context.stream);
}

}  // namespace quire::engine
