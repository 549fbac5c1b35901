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
    Architecture{"BertModel", "bert", &ReadBertConfig, ModelTask::kEmbed},
    Architecture{"BertForMaskedLM", "bert", &ReadBertConfig, ModelTask::kEmbed},
    Architecture{"RobertaModel", "roberta", &ReadRobertaConfig, ModelTask::kEmbed},
    Architecture{"RobertaForMaskedLM", "roberta", &ReadRobertaConfig, ModelTask::kEmbed},
    Architecture{"XLMRobertaModel", "xlm-roberta", &ReadRobertaConfig, ModelTask::kEmbed},
    Architecture{"XLMRobertaForMaskedLM", "xlm-roberta", &ReadRobertaConfig, ModelTask::kEmbed},
    Architecture{"BertForSequenceClassification", "bert", &ReadBertConfig, ModelTask::kRerank},
    Architecture{"RobertaForSequenceClassification", "roberta", &ReadRobertaConfig,
                 ModelTask::kRerank},
    Architecture{"XLMRobertaForSequenceClassification", "xlm-roberta", &ReadRobertaConfig,
                 ModelTask::kRerank},
    Architecture{kStaticEmbedding, "static", &ReadStaticConfig, ModelTask::kEmbed},
    Architecture{kModel2Vec, "static", &ReadStaticConfig, ModelTask::kEmbed},
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
