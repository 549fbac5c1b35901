#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/formats/quantization_config.h"
#include "kernels/activation.h"

namespace quire::engine {

// How positions beyond the training length are reached. Source of the formulas: transformers,
// modeling_rope_utils.
struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3 };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  std::int32_t original_context_tokens = 8192;
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
  std::string model_type;    // "llama", "mistral", "qwen2", "bert", "roberta", "static", ...
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
  float norm_epsilon = 1e-5f;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  // Further divisors of the frequencies, [head_dim / 2]; empty: none. GGUF files carry llama3's
  // scaling so.
  std::vector<float> rope_factors;
  std::int32_t sliding_window = 0;       // 0: none
  std::int32_t first_sliding_layer = 0;  // the layers below it see everything
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
    return layer >= first_sliding_layer ? sliding_window : 0;
  }
  // The tokens that the whole model sees, the newest included: the largest window of its layers; 0:
  // all, since some layer has none.
  std::int32_t LargestWindow() const;
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
