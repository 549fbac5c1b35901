#include "engine/layers/norm.h"

namespace quire::engine {

StatusOr<RmsNorm> RmsNorm::Load(WeightLoader& loader, const std::string& name,
                                std::int64_t hidden_size, float epsilon, float weight_offset) {
  QUIRE_ASSIGN_OR_RETURN(Weight weight,
                         loader.Vector(name + ".weight", hidden_size, {.offset = weight_offset}));
  return RmsNorm(std::move(weight), epsilon);
}

void RmsNorm::Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
                      const LayerContext& context) const {
  context.kernels.rms_norm({.x = x, .weight = weight_.view, .out = out, .epsilon = epsilon_},
                           context.stream);
}

StatusOr<LayerNorm> LayerNorm::Load(WeightLoader& loader, const std::string& name,
                                    std::int64_t hidden_size, float epsilon) {
  QUIRE_ASSIGN_OR_RETURN(Weight weight, loader.Vector(name + ".weight", hidden_size));
  QUIRE_ASSIGN_OR_RETURN(Weight bias, loader.Vector(name + ".bias", hidden_size));
  return LayerNorm(std::move(weight), std::move(bias), epsilon);
}

void LayerNorm::Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
                        const LayerContext& context) const {
  context.kernels.layer_norm(
      {.x = x, .weight = weight_.view, .bias = bias_.view, .out = out, .epsilon = epsilon_},
      context.stream);
}

StatusOr<Norm> Norm::Load(WeightLoader& loader, const std::string& name, const NormShape& shape) {
  Norm norm;
  if (shape.kind == kernels::NormKind::kLayer) {
    QUIRE_ASSIGN_OR_RETURN(norm.layer_, LayerNorm::Load(loader, name, shape.size, shape.epsilon));
  } else {
    QUIRE_ASSIGN_OR_RETURN(
        norm.rms_, RmsNorm::Load(loader, name, shape.size, shape.epsilon, shape.weight_offset));
  }
  return norm;
}

void Norm::Forward(const kernels::MatrixView& x, const kernels::MatrixView& out,
                   const LayerContext& context) const {
  if (layer_) return layer_->Forward(x, out, context);
  rms_->Forward(x, out, context);
}

}  // namespace quire::engine
