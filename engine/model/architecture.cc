#include "engine/model/architecture.h"

#include <array>

#include "engine/model/static_config.h"

namespace quire::engine {
namespace {

// Where several rows share a model type, its first row stands for it.
constexpr std::array kArchitectures = {
    Architecture{"LlamaForCausalLM", "llama", &ReadLlamaConfig},
    Architecture{"MistralForCausalLM", "mistral", &ReadMistralConfig},
    Architecture{"Qwen2ForCausalLM", "qwen2", &ReadQwen2Config},
    Architecture{"Qwen3ForCausalLM", "qwen3", &ReadQwen3Config},
    Architecture{"Phi3ForCausalLM", "phi3", &ReadPhi3Config},
    Architecture{"Gemma2ForCausalLM", "gemma2", &ReadGemma2Config},
    Architecture{"Gemma3ForCausalLM", "gemma3_text", &ReadGemma3Config},
    Architecture{"Gemma3ForConditionalGeneration", "gemma3", &ReadGemma3Config},
    Architecture{"GPT2LMHeadModel", "gpt2", &ReadGpt2Config},
    Architecture{"BertModel", "bert", &ReadBertConfig},
    Architecture{"BertForMaskedLM", "bert", &ReadBertConfig},
    Architecture{kStaticEmbedding, "static", &ReadStaticConfig},
    Architecture{kModel2Vec, "static", &ReadStaticConfig},
};

}  // namespace

const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

const Architecture* FindArchitectureByModelType(std::string_view model_type) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.model_type == model_type) return &architecture;
  }
  return nullptr;
}

std::string ArchitectureNames() {
  std::string names;
  for (const Architecture& architecture : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += architecture.name;
  }
  return names;
}

}  // namespace quire::engine
