#pragma once

#include <vector>

#include "engine/model/model_config.h"

namespace quire::engine {

// The angle per position of each rotary pair, scaled as the model's configuration says.
// [head_dim / 2] radians. Source: Su et al. 2021, "RoFormer", eq. 15; scaling: transformers,
// modeling_rope_utils.
std::vector<float> RopeInverseFrequencies(const ModelConfig& config);

}  // namespace quire::engine
