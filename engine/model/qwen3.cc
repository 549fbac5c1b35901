// Qwen3: Qwen2's layout without its biases, with a norm over each head of q and k and heads whose
// size does not follow from the hidden size.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

void ReadQwen3Config(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 32768;  // transformers' defaults where a field is absent
  config.norm_epsilon = 1e-6f;
  config.head_dim = 128;
  config.layout.q_norm = "self_attn.q_norm";
  config.layout.k_norm = "self_attn.k_norm";
  ReadCommonFields(fields, config);
  ReadDecoderFields(fields, config);
  fields.Read("attention_bias", config.attention_bias);
  config.attention_output_bias = config.attention_bias;
  ReadUpperLayerWindows(fields, config);
}

}  // namespace quire::engine
