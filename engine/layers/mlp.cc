#include "engine/layers/mlp.h"

namespace quire::engine {

StatusOr<Mlp> Mlp::Load(WeightLoader& loader, const MlpPlaces& places, const MlpShape& shape) {
  std::optional<Linear> gate;
  if (places.gate) {
    QUIRE_ASSIGN_OR_RETURN(gate, Linear::Load(loader, *places.gate, shape.bias));
  }
  QUIRE_ASSIGN_OR_RETURN(Linear up, Linear::Load(loader, places.up, shape.bias));
  QUIRE_ASSIGN_OR_RETURN(Linear down, Linear::Load(loader, places.down, shape.bias));
  return Mlp(std::move(gate), std::move(up), std::move(down), shape.activation);
}

StatusOr<Mlp> Mlp::Load(WeightLoader& loader, const std::string& up_name,
                        const std::string& down_name, const MlpShape& shape) {
  return Load(
      loader,
      {.gate = {},
       .up = {.name = up_name, .out = shape.intermediate_size, .in = shape.hidden_size},
       .down = {.name = down_name, .out = shape.hidden_size, .in = shape.intermediate_size}},
      shape);
}

void Mlp::Forward(const kernels::MatrixView& x, const kernels::MatrixView& out, bool accumulate,
                  const MlpBuffers& buffers, const LayerContext& context) const {
  const kernels::MatrixView& up = buffers.up;
  up_.Forward(x, up, /*accumulate=*/false, context);
  if (gate_) {
    gate_->Forward(x, buffers.gate, /*accumulate=*/false, context);
    context.kernels.gated_activation(
        {.gate = buffers.gate, .up = up, .out = up, .kind = activation_}, context.stream);
  } else {
    context.kernels.activation({.x = up, .kind = activation_}, context.stream);
  }
  down_.Forward(up, out, accumulate, context);
}

}  // namespace quire::engine
