#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/formats/quantization_config.h"
#include "engine/model/decoder_layout.h"
#include "kernels/activation.h"
#include "kernels/norm.h"

namespace quire::engine {

// How positions beyond the training length are reached. Source of the formulas: transformers,
// modeling_rope_utils.
struct RopeScaling {
  enum class Kind { kNone, kLinear, kDynamic, kYarn, kLlama3, kLongRope };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;              // llama3
  double high_freq_factor = 4.0;             // llama3
  std::int32_t original_context_tokens = 0;  // llama3, yarn, longrope
  double attention_factor = 1.0;             // yarn, longrope: of rotated queries and keys
  double beta_fast = 32.0;                   // yarn
  double beta_slow = 1.0;                    // yarn
  bool truncate = true;                      // yarn
  // longrope: divisors within the original context and beyond it, [rotary_dim / 2].
  std::vector<float> short_factors = {};
  std::vector<float> long_factors = {};
};

// What a model is for.
enum class ModelTask {
  kGenerate,  // continues texts
  kEmbed,     // turns a text into a vector
  kRerank,    // scores a document for a query, both read together
};

// "only embeds", for messages.
std::string_view Purpose(ModelTask task);

// What a cross-encoder makes of its first token's hidden state.
struct ClassifierConfig {
  std::int32_t num_labels = 1;
  // What turns the logit of a single label into a score.
  enum class Activation { kSigmoid, kIdentity };
  Activation activation = Activation::kSigmoid;
};

// config.json, validated: every number is within limits that make the arithmetic on it safe.
struct ModelConfig {
  std::string architecture;  // "LlamaForCausalLM", "BertModel", ...
  std::string model_type;    // "llama", "qwen2", "gpt2", "bert", "roberta", "static", ...
  ModelTask task = ModelTask::kGenerate;
  ClassifierConfig classifier;  // where task is kRerank
  std::int32_t num_layers = 0;
  std::int32_t num_heads = 0;
  std::int32_t num_kv_heads = 0;
  std::int32_t head_dim = 0;
  std::int32_t hidden_size = 0;
  std::int32_t intermediate_size = 0;
  std::int32_t vocab_size = 0;
  std::int32_t max_position_embeddings = 0;
  std::int32_t type_vocab_size = 0;  // encoders; 0: no token types
  // RoBERTa: a token of this id has it as its position, and those of the others count from the
  // number after it. The table of positions has so many rows more than max_position_embeddings.
  std::optional<std::int32_t> position_padding_id;
  DecoderLayout layout;  // of decoders
  kernels::NormKind norm_kind = kernels::NormKind::kRms;
  float norm_epsilon = 1e-5f;
  float norm_weight_offset = 0.0f;  // added to the weights of norms as they are stored
  float embedding_scale = 1.0f;     // of what comes out of the table
  std::int32_t rotary_dim = 0;      // elements of a head that turn with the position
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  // Not 0: layers with a window have this base, and no scaling.
  double local_rope_theta = 0.0;
  // Further divisors of the frequencies, [rotary_dim / 2]; empty: none. GGUF files carry llama3's
  // scaling so.
  std::vector<float> rope_factors;
  float attention_scale = 0.0f;      // of scores; 0: 1 / sqrt(head_dim)
  float attention_soft_cap = 0.0f;   // 0: none
  float logit_soft_cap = 0.0f;       // 0: none
  std::int32_t sliding_window = 0;   // 0: none
  std::vector<bool> sliding_layers;  // [num_layers] which layers have it; empty: all
  bool tie_word_embeddings = false;
  bool attention_bias = false;         // on q, k and v
  bool attention_output_bias = false;  // on o
  bool mlp_bias = false;
  kernels::ActivationKind activation = kernels::ActivationKind::kSilu;
  std::optional<std::int32_t> bos_token_id;
  std::vector<std::int32_t> eos_token_ids;
  std::optional<QuantizationConfig> quantization;  // of the weights in the model's files

  // A model that embeds texts and generates none.
  bool is_encoder() const { return task == ModelTask::kEmbed; }
  // A table of token vectors, see StaticEmbedding.
  bool is_static() const { return model_type == "static"; }
  // Rows before that of the first token's position.
  std::int32_t first_position() const { return position_padding_id ? *position_padding_id + 1 : 0; }
  // The window of one layer; 0: none.
  std::int32_t SlidingWindow(std::int32_t layer) const {
    const bool slides = sliding_layers.empty() || sliding_layers[static_cast<std::size_t>(layer)];
    return slides ? sliding_window : 0;
  }
  // The tokens that the whole model sees, the newest included: the largest window of its layers; 0:
  // all, since some layer has none.
  std::int32_t LargestWindow() const;
  // The longest context that may be asked for: max_position_embeddings, or what scaled frequencies
  // reach beyond it.
  std::int32_t MaxContextTokens() const;
  // Elements of one layer's matrices.
  std::int64_t LayerElements() const;
};

// Reads the configuration of the model at `path`: a directory's config.json, the weights' shapes
// where it is a static embedding model, or the metadata of a .gguf file. Returns NOT_FOUND,
// INVALID_ARGUMENT naming the field and its value, UNIMPLEMENTED for an architecture we do not
// have, or DATA_LOSS if a .gguf file is damaged.
StatusOr<ModelConfig> LoadModelConfig(const std::string& path);

// The position at which attention takes as many operations as all matrices of a layer: what a token
// costs grows with its position, and doubles here. At least 1.
std::int32_t AttentionCrossover(const ModelConfig& config);

}  // namespace quire::engine
