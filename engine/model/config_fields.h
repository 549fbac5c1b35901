#pragma once

#include <cstdint>

#include "engine/formats/json_file.h"
#include "engine/model/model_config.h"

// What the config.json files of several families have in common.

namespace quire::engine {

// Limits of a model's numbers: far above any real model, low enough that products of three of
// them, times an element, fit 63 bits.
inline constexpr std::int64_t kMaxLayers = 1024;
inline constexpr std::int64_t kMaxHeads = 1024;
inline constexpr std::int64_t kMaxHeadDim = 1024;
inline constexpr std::int64_t kMaxHiddenSize = 1 << 18;
inline constexpr std::int64_t kMaxIntermediateSize = 1 << 20;
inline constexpr std::int64_t kMaxVocabSize = 1 << 22;
inline constexpr std::int64_t kMaxPositions = 1 << 24;
inline constexpr double kMaxRopeTheta = 1e12;

// What a family calls the fields that all have.
struct CommonNames {
  const char* hidden_size = "hidden_size";
  const char* num_layers = "num_hidden_layers";
  const char* intermediate_size = "intermediate_size";
  const char* num_heads = "num_attention_heads";
  const char* max_position_embeddings = "max_position_embeddings";
  const char* activation = "hidden_act";
};

// vocab_size and the common fields, tie_word_embeddings included. Sizes are required unless
// `config` has a default already; the activation is silu, or what `config` has.
void ReadCommonFields(JsonFields& fields, ModelConfig& config, const CommonNames& names = {});

// What every decoder has besides: key-value heads, head_dim (unless `config` has a default the
// hidden size divided by the heads), rms_norm_eps, rotary embedding and the ids of special tokens.
void ReadDecoderFields(JsonFields& fields, ModelConfig& config);

// bos_token_id and eos_token_id.
void ReadSpecialTokens(JsonFields& fields, ModelConfig& config);

// "layer_types", where it is there: which layers have the window. Requires num_layers.
void ReadLayerTypes(JsonFields& fields, ModelConfig& config);

// Qwen's window: with use_sliding_window, from layer max_window_layers on.
void ReadUpperLayerWindows(JsonFields& fields, ModelConfig& config);

}  // namespace quire::engine
