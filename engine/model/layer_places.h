#pragma once

#include <cstdint>
#include <string>

#include "engine/layers/attention.h"
#include "engine/layers/mlp.h"
#include "engine/model/model_config.h"

// What a decoder's layers are made of and where their weights stand, from its configuration.

namespace quire::engine {

AttentionShape AttentionShapeOf(const ModelConfig& config, std::int32_t layer);
MlpShape MlpShapeOf(const ModelConfig& config);
NormShape NormShapeOf(const ModelConfig& config, std::int64_t size);

// `prefix`: of the names inside one layer ("model.layers.0.").
AttentionPlaces AttentionPlacesOf(const ModelConfig& config, const std::string& prefix);
MlpPlaces MlpPlacesOf(const ModelConfig& config, const std::string& prefix);

}  // namespace quire::engine
