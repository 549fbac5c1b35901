#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/model_config.h"

namespace quire::engine {

// The angle per position of each rotary pair, scaled as the model's configuration says, for a
// server with contexts of up to `context_tokens`; 0: max_position_embeddings. [rotary_dim / 2]
// radians.
//
// Where transformers lets the length of the sequence choose (dynamic, longrope), the longest
// context chooses here: frequencies that grow with a sequence would make its cached keys wrong and
// one request's output depend on another's length.
//
// Source: Su et al. 2021, "RoFormer", eq. 15; scaling: transformers, modeling_rope_utils.
std::vector<float> RopeInverseFrequencies(const ModelConfig& config,
                                          std::int32_t context_tokens = 0);

// The same for layers with a window in a model that has a base of their own for them.
std::vector<float> LocalRopeInverseFrequencies(const ModelConfig& config);

}  // namespace quire::engine
