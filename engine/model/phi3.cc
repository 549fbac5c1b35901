// Phi-3, Phi-3.5 and Phi-4 (mini): Llama's layout with q, k and v in one tensor, gate and up in
// another; longrope, a share of each head that turns, and a window in every layer where they say
// so.

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {

void ReadPhi3Config(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 4096;  // transformers' defaults where a field is absent
  config.rope_scaling.original_context_tokens = 4096;
  config.norm_epsilon = 1e-5f;
  config.layout.q = config.layout.k = config.layout.v = "self_attn.qkv_proj";
  config.layout.gate = config.layout.up = "mlp.gate_up_proj";
  ReadCommonFields(fields, config);
  ReadDecoderFields(fields, config);
  fields.Read("sliding_window", config.sliding_window, 1, kMaxPositions);
}

}  // namespace quire::engine
