// Mistral: Llama's layout with a sliding window in every layer.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

void ReadMistralConfig(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 4096 * 32;  // transformers' defaults where a field is absent
  config.norm_epsilon = 1e-6f;
  ReadCommonFields(fields, config);
  ReadDecoderFields(fields, config);
  // null, as in versions 0.2 and later, means none; only an absent field means 4096.
  if (!fields.Contains("sliding_window")) config.sliding_window = 4096;
  fields.Read("sliding_window", config.sliding_window, 1, kMaxPositions);
}

}  // namespace quire::engine
