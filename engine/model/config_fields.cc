#include "engine/model/config_fields.h"

#include <string>

namespace quire::engine {
namespace {

constexpr double kMaxTheta = 1e12;
constexpr double kMaxFactor = 1e6;

void ReadActivation(JsonFields& fields, ModelConfig& config) {
  std::string name = "silu";
  fields.Read("hidden_act", name);
  using kernels::ActivationKind;
  if (name == "silu" || name == "swish") {
    config.activation = ActivationKind::kSilu;
  } else if (name == "gelu") {
    config.activation = ActivationKind::kGelu;
  } else if (name == "gelu_new" || name == "gelu_pytorch_tanh") {
    config.activation = ActivationKind::kGeluTanh;
  } else if (name == "relu") {
    config.activation = ActivationKind::kRelu;
  } else {
    fields.Fail(Unimplemented("{}: hidden_act: wanted silu, gelu, gelu_new or relu, have \"{}\"",
                              fields.where(), name));
  }
}

void ReadHeads(JsonFields& fields, ModelConfig& config) {
  config.num_kv_heads = config.num_heads;
  fields.Read("num_key_value_heads", config.num_kv_heads, 1, kMaxHeads);
  if (fields.status().ok() && config.num_heads % config.num_kv_heads != 0) {
    fields.Fail("num_key_value_heads", fmt::format("a divisor of {}", config.num_heads));
  }
  if (fields.Find("head_dim") != nullptr) {
    fields.Read("head_dim", config.head_dim, 2, kMaxHeadDim);
  } else if (fields.status().ok()) {
    if (config.hidden_size % config.num_heads != 0) {
      return fields.Fail("hidden_size", fmt::format("a multiple of {}", config.num_heads));
    }
    config.head_dim = config.hidden_size / config.num_heads;
  }
  if (fields.status().ok() && (config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim)) {
    fields.Fail(InvalidArgument("{}: head_dim: wanted an even number up to {}, have {}",
                                fields.where(), kMaxHeadDim, config.head_dim));
  }
}

// `scaling` is "rope_scaling" or, since transformers 5, "rope_parameters", which holds the base
// too.
void ReadRopeScaling(JsonFields& scaling, ModelConfig& config) {
  scaling.Read("rope_theta", config.rope_theta, 1.0, kMaxTheta);
  std::string type = "default";
  scaling.Read("type", type);  // the older key
  scaling.Read("rope_type", type);
  RopeScaling& rope = config.rope_scaling;
  if (type == "default") return;
  if (type == "linear") {
    rope.kind = RopeScaling::Kind::kLinear;
  } else if (type == "llama3") {
    rope.kind = RopeScaling::Kind::kLlama3;
  } else {
    return scaling.Fail(
        Unimplemented("{}: rope_type: wanted default, linear or llama3, have "
                      "\"{}\"",
                      scaling.where(), type));
  }
  if (scaling.Find("factor") == nullptr) return scaling.Fail("factor", "a number");
  scaling.Read("factor", rope.factor, 1.0, kMaxFactor);
  scaling.Read("low_freq_factor", rope.low_freq_factor, 1e-3, kMaxFactor);
  scaling.Read("high_freq_factor", rope.high_freq_factor, 1e-3, kMaxFactor);
  scaling.Read("original_max_position_embeddings", rope.original_context_tokens, 1, kMaxPositions);
  if (rope.kind == RopeScaling::Kind::kLlama3 && !(rope.high_freq_factor > rope.low_freq_factor)) {
    scaling.Fail("high_freq_factor",
                 fmt::format("a number above low_freq_factor {}", rope.low_freq_factor));
  }
}

void ReadRope(JsonFields& fields, ModelConfig& config) {
  fields.Read("rope_theta", config.rope_theta, 1.0, kMaxTheta);
  double partial_rotary_factor = 1.0;
  fields.Read("partial_rotary_factor", partial_rotary_factor, 0.0, 1.0);
  if (partial_rotary_factor != 1.0) {
    fields.Fail(Unimplemented("{}: partial_rotary_factor: wanted 1, have {}", fields.where(),
                              partial_rotary_factor));
  }
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    std::optional<JsonFields> scaling = fields.Object(key);
    if (!scaling) continue;
    ReadRopeScaling(*scaling, config);
    fields.Fail(scaling->status());
  }
}

}  // namespace

void ReadCommonFields(JsonFields& fields, ModelConfig& config) {
  fields.Require("vocab_size", config.vocab_size, 1, kMaxVocabSize);
  fields.Require("hidden_size", config.hidden_size, 1, kMaxHiddenSize);
  fields.Require("num_hidden_layers", config.num_layers, 1, kMaxLayers);
  fields.Require("intermediate_size", config.intermediate_size, 1, kMaxIntermediateSize);
  fields.Require("num_attention_heads", config.num_heads, 1, kMaxHeads);
  fields.Read("max_position_embeddings", config.max_position_embeddings, 1, kMaxPositions);
  fields.Read("tie_word_embeddings", config.tie_word_embeddings);
  ReadActivation(fields, config);
}

void ReadDecoderFields(JsonFields& fields, ModelConfig& config) {
  ReadHeads(fields, config);
  ReadRope(fields, config);
  fields.Read("rms_norm_eps", config.norm_epsilon, 0.0, 1.0);
  std::vector<std::int32_t> bos;
  fields.Read("bos_token_id", bos, 0, std::int64_t{config.vocab_size} - 1);
  if (!bos.empty()) config.bos_token_id = bos.front();
  fields.Read("eos_token_id", config.eos_token_ids, 0, std::int64_t{config.vocab_size} - 1);
}

}  // namespace quire::engine
