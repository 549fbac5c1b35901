// Gemma 2 and the text part of Gemma 3: norms before and after attention and MLP, scaled
// embeddings, windows in most layers; soft caps in Gemma 2, norms over the heads of q and k and a
// rotary base of the window's layers in Gemma 3.

#include <cmath>
#include <string>

#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"
#include "engine/model/rope_config.h"
#include "kernels/half.h"

namespace quire::engine {
namespace {

constexpr double kMaxCap = 1e6;
constexpr double kMaxQueryScalar = 1e6;

constexpr CommonNames kGemmaNames = {.activation = "hidden_activation"};

// sqrt(hidden_size) in the type the model is stored in, as transformers computes it.
float EmbeddingScale(const ModelConfig& config, const std::string& dtype) {
  const float scale = std::sqrt(static_cast<float>(config.hidden_size));
  if (dtype == "bfloat16") return kernels::BF16ToF32(kernels::F32ToBF16(scale));
  if (dtype == "float16") return kernels::F16ToF32(kernels::F32ToF16(scale));
  return scale;
}

void ReadEmbeddingScale(JsonFields& fields, ModelConfig& config) {
  std::string dtype;
  fields.Read("torch_dtype", dtype);
  fields.Read("dtype", dtype);  // since transformers 5
  config.embedding_scale = EmbeddingScale(config, dtype);
}

// Every layer has the window but each `period`-th.
void SetAlternatingWindows(std::int32_t period, ModelConfig& config) {
  config.sliding_layers.clear();
  for (std::int32_t layer = 1; layer <= config.num_layers; ++layer) {
    config.sliding_layers.push_back(layer % period != 0);
  }
}

// What both have. Their defaults must be in `config`.
void ReadGemmaFields(JsonFields& fields, ModelConfig& config) {
  config.norm_epsilon = 1e-6f;
  config.norm_weight_offset = 1.0f;
  config.activation = kernels::ActivationKind::kGeluTanh;
  config.tie_word_embeddings = true;
  config.sliding_window = 4096;
  config.layout.attention_post_norm = "post_attention_layernorm";
  config.layout.mlp_norm = "pre_feedforward_layernorm";
  config.layout.mlp_post_norm = "post_feedforward_layernorm";
  ReadCommonFields(fields, config, kGemmaNames);
  ReadDecoderFields(fields, config);
  fields.Read("attention_bias", config.attention_bias);
  config.attention_output_bias = config.attention_bias;
  fields.Read("sliding_window", config.sliding_window, 1, kMaxPositions);
  double query_scalar = 256;
  fields.Read("query_pre_attn_scalar", query_scalar, 1e-3, kMaxQueryScalar);
  config.attention_scale = static_cast<float>(1.0 / std::sqrt(query_scalar));
  const auto read_cap = [&](const char* key, float& cap) {
    if (fields.Contains(key)) cap = 0.0f;  // null, as Gemma 3 has it, means none
    fields.Read(key, cap, 1e-3, kMaxCap);
  };
  read_cap("attn_logit_softcapping", config.attention_soft_cap);
  read_cap("final_logit_softcapping", config.logit_soft_cap);
  ReadEmbeddingScale(fields, config);
}

void ReadGemma3Text(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 131072;  // transformers' defaults where a field is absent
  config.vocab_size = 262208;
  config.hidden_size = 2304;
  config.intermediate_size = 9216;
  config.num_layers = 26;
  config.num_heads = 8;
  config.num_kv_heads = 4;
  config.head_dim = 256;
  config.rope_theta = 1e6;
  config.local_rope_theta = 1e4;
  config.layout.q_norm = "self_attn.q_norm";
  config.layout.k_norm = "self_attn.k_norm";
  ReadGemmaFields(fields, config);
  fields.Read("rope_local_base_freq", config.local_rope_theta, 1.0, kMaxRopeTheta);
  std::int32_t period = 6;
  fields.Read("sliding_window_pattern", period, 1, kMaxLayers);
  SetAlternatingWindows(period, config);
  ReadLayerTypes(fields, config);
  bool is_bidirectional = false;
  fields.Read("use_bidirectional_attention", is_bidirectional);
  if (is_bidirectional) {
    fields.Fail(
        Unimplemented("{}: use_bidirectional_attention: wanted false, have true", fields.where()));
  }
}

// Since transformers 5 "rope_parameters" holds one object for each type of layer.
void ReadRopeByLayerType(JsonFields& fields, ModelConfig& config) {
  std::optional<JsonFields> by_type = fields.Object("rope_parameters");
  if (!by_type || !fields.status().ok()) return;
  if (std::optional<JsonFields> full = by_type->Object("full_attention")) {
    ReadRopeParameters(*full, config);
    fields.Fail(full->status());
  }
  std::optional<JsonFields> sliding = by_type->Object("sliding_attention");
  if (!sliding) return;
  ModelConfig local;
  local.rope_theta = config.local_rope_theta;
  local.rotary_dim = config.rotary_dim;
  local.max_position_embeddings = config.max_position_embeddings;
  ReadRopeParameters(*sliding, local);
  fields.Fail(sliding->status());
  config.local_rope_theta = local.rope_theta;
  if (local.rope_scaling.kind != RopeScaling::Kind::kNone) {
    fields.Fail(Unimplemented("{}: rope_type: wanted default", sliding->where()));
  }
}

}  // namespace

void ReadGemma2Config(JsonFields& fields, ModelConfig& config) {
  config.max_position_embeddings = 8192;  // transformers' defaults where a field is absent
  config.head_dim = 256;
  config.attention_soft_cap = 50.0f;
  config.logit_soft_cap = 30.0f;
  ReadGemmaFields(fields, config);
  SetAlternatingWindows(2, config);
  ReadLayerTypes(fields, config);
}

void ReadGemma3Config(JsonFields& fields, ModelConfig& config) {
  std::optional<JsonFields> text = fields.Object("text_config");
  if (!text) {
    ReadGemma3Text(fields, config);
    ReadRopeByLayerType(fields, config);
    return;
  }
  // A model of images and text: we run its text part.
  ReadGemma3Text(*text, config);
  ReadRopeByLayerType(*text, config);
  fields.Fail(text->status());
  if (!fields.status().ok()) return;
  ReadSpecialTokens(fields, config);
  if (fields.Find("torch_dtype") != nullptr || fields.Find("dtype") != nullptr) {
    ReadEmbeddingScale(fields, config);
  }
}

}  // namespace quire::engine
