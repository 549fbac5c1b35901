#include "engine/model/config_fields.h"

#include <string>
#include <vector>

#include "engine/model/rope_config.h"

namespace quire::engine {
namespace {

void ReadActivation(JsonFields& fields, const char* key, ModelConfig& config) {
  if (fields.Find(key) == nullptr) return;
  std::string name;
  fields.Read(key, name);
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
    fields.Fail(Unimplemented("{}: {}: wanted silu, gelu, gelu_new or relu, have \"{}\"",
                              fields.where(), key, name));
  }
}

void ReadHeads(JsonFields& fields, ModelConfig& config) {
  if (config.num_kv_heads == 0) config.num_kv_heads = config.num_heads;
  fields.Read("num_key_value_heads", config.num_kv_heads, 1, kMaxHeads);
  if (fields.status().ok() && config.num_heads % config.num_kv_heads != 0) {
    fields.Fail("num_key_value_heads", fmt::format("a divisor of {}", config.num_heads));
  }
  if (fields.Find("head_dim") != nullptr) {
    fields.Read("head_dim", config.head_dim, 2, kMaxHeadDim);
  } else if (config.head_dim == 0 && fields.status().ok()) {
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

}  // namespace

void ReadCommonFields(JsonFields& fields, ModelConfig& config, const CommonNames& names) {
  const auto read = [&](const char* key, std::int32_t& value, std::int64_t max) {
    if (value == 0) fields.Require(key, value, 1, max);
    fields.Read(key, value, 1, max);
  };
  read("vocab_size", config.vocab_size, kMaxVocabSize);
  read(names.hidden_size, config.hidden_size, kMaxHiddenSize);
  read(names.num_layers, config.num_layers, kMaxLayers);
  read(names.intermediate_size, config.intermediate_size, kMaxIntermediateSize);
  read(names.num_heads, config.num_heads, kMaxHeads);
  fields.Read(names.max_position_embeddings, config.max_position_embeddings, 1, kMaxPositions);
  fields.Read("tie_word_embeddings", config.tie_word_embeddings);
  ReadActivation(fields, names.activation, config);
}

void ReadDecoderFields(JsonFields& fields, ModelConfig& config) {
  ReadHeads(fields, config);
  if (fields.status().ok()) ReadRope(fields, config);
  fields.Read("rms_norm_eps", config.norm_epsilon, 0.0, 1.0);
  ReadSpecialTokens(fields, config);
}

void ReadSpecialTokens(JsonFields& fields, ModelConfig& config) {
  std::vector<std::int32_t> bos;
  fields.Read("bos_token_id", bos, 0, std::int64_t{config.vocab_size} - 1);
  if (!bos.empty()) config.bos_token_id = bos.front();
  fields.Read("eos_token_id", config.eos_token_ids, 0, std::int64_t{config.vocab_size} - 1);
}

void ReadLayerTypes(JsonFields& fields, ModelConfig& config) {
  constexpr char kKey[] = "layer_types";
  std::vector<std::string> types;
  fields.Read(kKey, types);
  if (!fields.status().ok() || fields.Find(kKey) == nullptr) return;
  if (types.size() != static_cast<std::size_t>(config.num_layers)) {
    return fields.Fail(kKey, fmt::format("the types of {} layers", config.num_layers));
  }
  config.sliding_layers.clear();
  for (const std::string& type : types) {
    if (type != "full_attention" && type != "sliding_attention") {
      return fields.Fail(
          Unimplemented("{}: {}: wanted full_attention or sliding_attention, have \"{}\"",
                        fields.where(), kKey, type));
    }
    config.sliding_layers.push_back(type == "sliding_attention");
  }
}

void ReadUpperLayerWindows(JsonFields& fields, ModelConfig& config) {
  bool use_sliding_window = false;
  fields.Read("use_sliding_window", use_sliding_window);
  if (!use_sliding_window) return;
  config.sliding_window = 4096;
  fields.Read("sliding_window", config.sliding_window, 1, kMaxPositions);
  std::int32_t first_sliding_layer = 28;
  fields.Read("max_window_layers", first_sliding_layer, 0, kMaxLayers);
  for (std::int32_t layer = 0; layer < config.num_layers; ++layer) {
    config.sliding_layers.push_back(layer >= first_sliding_layer);
  }
  ReadLayerTypes(fields, config);
}

}  // namespace quire::engine
