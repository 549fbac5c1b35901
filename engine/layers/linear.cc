#include "engine/layers/linear.h"

namespace quire::engine {

StatusOr<Linear> Linear::Load(WeightLoader& loader, const std::string& name, std::int64_t out,
                              std::int64_t in, bool has_bias) {
  return Load(loader, {.name = name, .out = out, .in = in}, has_bias);
}

StatusOr<Linear> Linear::Load(WeightLoader& loader, const LinearPlace& place, bool has_bias) {
  QUIRE_ASSIGN_OR_RETURN(LinearWeight weight, loader.Linear(place));
  Weight bias;
  const std::string bias_name = place.name + ".bias";
  if (has_bias || (loader.IsQuantized(place.name) && loader.Contains(bias_name))) {
    const std::int64_t stored = place.stored_rows == 0 ? place.out : place.stored_rows;
    QUIRE_ASSIGN_OR_RETURN(
        bias, loader.Vector(bias_name, stored, {.first = place.first_row, .count = place.out}));
  }
  return Linear(place.name, std::move(weight), std::move(bias));
}

void MultiplyWeight(const LinearWeight& weight, const ProductArgs& args,
                    const LayerContext& context) {
  if (weight.packed != nullptr) {
    context.kernels.quantized_linear({.x = args.x,
                                      .weight = weight.packed.get(),
                                      .bias = args.bias,
                                      .y = args.y,
                                      .accumulate = args.accumulate},
                                     context.stream);
    return;
  }
  context.kernels.linear({.x = args.x,
                          .weight = weight.plain.view,
                          .bias = args.bias,
                          .y = args.y,
                          .accumulate = args.accumulate},
                         context.stream);
}

void Linear::Forward(const kernels::MatrixView& x, const kernels::MatrixView& y, bool accumulate,
                     const LayerContext& context) const {
  if (context.observer != nullptr) context.observer->OnInput(name_, x);
  MultiplyWeight(weight_, {.x = x, .bias = bias_.view, .y = y, .accumulate = accumulate}, context);
}

}  // namespace quire::engine
