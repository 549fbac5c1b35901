#pragma once

#include "engine/formats/json_file.h"
#include "engine/model/model_config.h"

// The rotary embedding as config.json files describe it.

namespace quire::engine {

// rope_theta, partial_rotary_factor, original_max_position_embeddings, and the scaling under
// "rope_scaling" or, since transformers 5, "rope_parameters". Requires head_dim and
// max_position_embeddings.
void ReadRope(JsonFields& fields, ModelConfig& config);

// The object of one such key, which may hold the base too. Requires rotary_dim.
void ReadRopeParameters(JsonFields& parameters, ModelConfig& config);

}  // namespace quire::engine
