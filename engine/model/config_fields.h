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

// vocab_size, hidden_size, num_hidden_layers, intermediate_size and num_attention_heads, all
// required; max_position_embeddings; hidden_act; tie_word_embeddings.
void ReadCommonFields(JsonFields& fields, ModelConfig& config);

// What every decoder has besides: key-value heads, head_dim, rms_norm_eps, rotary embedding and
// the ids of special tokens.
void ReadDecoderFields(JsonFields& fields, ModelConfig& config);

}  // namespace quire::engine
