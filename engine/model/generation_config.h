#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/model/model_config.h"
#include "engine/sampling/sampling_params.h"

namespace quire::engine {

// What generation_config.json says: the model's own defaults.
struct GenerationConfig {
  SamplingParams sampling;                  // temperature 0 unless do_sample
  std::vector<std::int32_t> eos_token_ids;  // the model config's where the file names none
};

// Reads `directory`/generation_config.json; a model without one gets the defaults. Returns
// INVALID_ARGUMENT naming the field if it is malformed.
StatusOr<GenerationConfig> LoadGenerationConfig(const std::string& directory,
                                                const ModelConfig& config);

}  // namespace quire::engine
