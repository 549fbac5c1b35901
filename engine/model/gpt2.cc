// GPT-2 and its relatives: learned positions, layer norms, biases everywhere, a plain MLP, and
// weights that are stored [in, out].

#include <cmath>

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"

namespace quire::engine {
namespace {

constexpr CommonNames kGpt2Names = {.hidden_size = "n_embd",
                                    .num_layers = "n_layer",
                                    .intermediate_size = "n_inner",
                                    .num_heads = "n_head",
                                    .max_position_embeddings = "n_positions",
                                    .activation = "activation_function"};

constexpr DecoderLayout kGpt2Layout = {.embedding = "wte",
                                       .positions = "wpe",
                                       .layers = "h",
                                       .final_norm = "ln_f",
                                       .attention_norm = "ln_1",
                                       .q = "attn.c_attn",
                                       .k = "attn.c_attn",
                                       .v = "attn.c_attn",
                                       .o = "attn.c_proj",
                                       .mlp_norm = "ln_2",
                                       .gate = "",
                                       .up = "mlp.c_fc",
                                       .down = "mlp.c_proj",
                                       .has_transposed_weights = true};

}  // namespace

void ReadGpt2Config(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 1024;  // transformers' defaults where a field is absent
  config.norm_kind = kernels::NormKind::kLayer;
  config.norm_epsilon = 1e-5f;
  config.activation = kernels::ActivationKind::kGeluTanh;
  config.tie_word_embeddings = true;
  config.attention_bias = config.attention_output_bias = config.mlp_bias = true;
  config.layout = kGpt2Layout;
  std::int32_t hidden_size = 0;
  fields.Read(kGpt2Names.hidden_size, hidden_size, 1, kMaxHiddenSize);
  config.intermediate_size = 4 * hidden_size;
  ReadCommonFields(fields, config, kGpt2Names);
  fields.Read("layer_norm_epsilon", config.norm_epsilon, 0.0, 1.0);
  ReadSpecialTokens(fields, config);
  bool divides_by_layer = false;
  fields.Read("scale_attn_by_inverse_layer_idx", divides_by_layer);
  if (divides_by_layer) {
    fields.Fail(Unimplemented("{}: scale_attn_by_inverse_layer_idx: wanted false, have true",
                              fields.where()));
  }
  if (!fields.status().ok()) return;
  config.num_kv_heads = config.num_heads;
  config.head_dim = config.hidden_size / config.num_heads;
  if (config.head_dim * config.num_heads != config.hidden_size || config.head_dim > kMaxHeadDim) {
    return fields.Fail(
        kGpt2Names.hidden_size,
        fmt::format("a multiple of n_head {}, at most {} each", config.num_heads, kMaxHeadDim));
  }
  bool scales_scores = true;
  fields.Read("scale_attn_weights", scales_scores);
  if (!scales_scores) config.attention_scale = 1.0f;
}

}  // namespace quire::engine
