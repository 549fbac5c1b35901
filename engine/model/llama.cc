// Llama 1 to 3 and its many relatives with the same layout.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

void ReadLlamaConfig(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 2048;  // transformers' defaults where a field is absent
  config.norm_epsilon = 1e-6f;
  ReadCommonFields(fields, config);
  ReadDecoderFields(fields, config);
  fields.Read("attention_bias", config.attention_bias);
  config.attention_output_bias = config.attention_bias;
  fields.Read("mlp_bias", config.mlp_bias);
}

}  // namespace quire::engine
