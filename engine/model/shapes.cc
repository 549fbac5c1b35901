#include "engine/model/shapes.h"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/model/architecture.h"

namespace quire::engine {
namespace {

struct NamedShape {
  std::string_view name;
  std::string_view config;  // the fields of the model's config.json that matter
};

constexpr std::array kShapes = {
    NamedShape{"llama-3.2-1b", R"({"architectures": ["LlamaForCausalLM"],
      "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
      "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
      "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
      "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
      "tie_word_embeddings": true})"},
    NamedShape{"tinyllama-1.1b", R"({"architectures": ["LlamaForCausalLM"],
      "num_hidden_layers": 22, "hidden_size": 2048, "intermediate_size": 5632,
      "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000,
      "max_position_embeddings": 2048, "rms_norm_eps": 1e-5})"},
    NamedShape{"qwen2.5-0.5b", R"({"architectures": ["Qwen2ForCausalLM"],
      "num_hidden_layers": 24, "hidden_size": 896, "intermediate_size": 4864,
      "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151936,
      "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
      "tie_word_embeddings": true})"},
    NamedShape{"llama-3.1-8b", R"({"architectures": ["LlamaForCausalLM"],
      "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
      "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
      "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
      "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}})"},
    NamedShape{"mistral-7b", R"({"architectures": ["MistralForCausalLM"],
      "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
      "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32768,
      "max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 1000000.0,
      "sliding_window": null})"},
};

}  // namespace

StatusOr<ModelConfig> FindModelShape(std::string_view name) {
  std::string known;
  for (const NamedShape& shape : kShapes) {
    if (shape.name == name) {
      return ParseModelConfig(nlohmann::json::parse(shape.config), std::string(name));
    }
    known += known.empty() ? "" : ", ";
    known += shape.name;
  }
  return NotFound("shape: wanted one of {}, have \"{}\"", known, name);
}

}  // namespace quire::engine
