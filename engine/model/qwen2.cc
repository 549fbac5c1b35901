// Qwen2 and Qwen2.5: Llama's layout with biases on q, k and v, and an optional sliding window in
// the upper layers.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

void ReadQwen2Config(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 32768;  // transformers' defaults where a field is absent
  config.norm_epsilon = 1e-6f;
  ReadCommonFields(fields, config);
  ReadDecoderFields(fields, config);
  config.attention_bias = true;
  ReadUpperLayerWindows(fields, config);
}

}  // namespace quire::engine
