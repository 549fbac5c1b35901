#include "engine/layers/mlp.h"

namespace quire::engine {

StatusOr<GatedMlp> GatedMlp::Load(WeightLoader& loader, const std::string& prefix,
                                  const MlpShape& shape) {
  const auto load = [&](const char* name, std::int64_t out, std::int64_t in) {
    return Linear::Load(loader, prefix + name, out, in, shape.bias);
  };
  QUIRE_ASSIGN_OR_RETURN(Linear gate,
                         load("gate_proj", shape.intermediate_size, shape.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(Linear up, load("up_proj", shape.intermediate_size, shape.hidden_size));
  QUIRE_ASSIGN_OR_RETURN(Linear down,
                         load("down_proj", shape.hidden_size, shape.intermediate_size));
  return GatedMlp(std::move(gate), std::move(up), std::move(down), shape.activation);
}

void GatedMlp::Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
                       const kernels::MatrixView& gate, const kernels::MatrixView& up,
                       const LayerContext& context) const {
  gate_.Forward(x, gate, /*accumulate=*/false, context);
  up_.Forward(x, up, /*accumulate=*/false, context);
  context.kernels.gated_activation({.gate = gate, .up = up, .out = gate, .kind = activation_},
                                   context.stream);
  down_.Forward(gate, residual, /*accumulate=*/true, context);
}

StatusOr<Mlp> Mlp::Load(WeightLoader& loader, const std::string& up_name,
                        const std::string& down_name, const MlpShape& shape) {
  QUIRE_ASSIGN_OR_RETURN(Linear up, Linear::Load(loader, up_name, shape.intermediate_size,
                                                 shape.hidden_size, shape.bias));
  QUIRE_ASSIGN_OR_RETURN(Linear down, Linear::Load(loader, down_name, shape.hidden_size,
                                                   shape.intermediate_size, shape.bias));
  return Mlp(std::move(up), std::move(down), shape.activation);
}

void Mlp::Forward(const kernels::MatrixView& x, const kernels::MatrixView& residual,
                  const kernels::MatrixView& scratch, const LayerContext& context) const {
  up_.Forward(x, scratch, /*accumulate=*/false, context);
  context.kernels.activation({.x = scratch, .kind = activation_}, context.stream);
  down_.Forward(scratch, residual, /*accumulate=*/true, context);
}

}  // namespace quire::engine
