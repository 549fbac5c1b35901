#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/formats/json_file.h"
#include "engine/model/model_config.h"

// The model families we run. A family is one file that reads its config.json and one row of the
// table in architecture.cc; the forward passes are shared (transformer.h, encoder.h).

namespace quire::engine {

struct Architecture {
  std::string_view name;        // as in config.json's "architectures"
  std::string_view model_type;  // as in config.json's "model_type"
  // Fills `config`; what is wrong is noted in `fields`.
  void (*read_config)(JsonFields& fields, ModelConfig& config);
  ModelTask task = ModelTask::kGenerate;
};

// Null if we do not have it.
const Architecture* FindArchitecture(std::string_view name);
const Architecture* FindArchitectureByModelType(std::string_view model_type);
// "LlamaForCausalLM, MistralForCausalLM, ..." for messages.
std::string ArchitectureNames();

// LoadModelConfig on a parsed file; `where` names it in messages.
StatusOr<ModelConfig> ParseModelConfig(const nlohmann::json& json, const std::string& where);

// One per family.
void ReadLlamaConfig(JsonFields& fields, ModelConfig& config);
void ReadMistralConfig(JsonFields& fields, ModelConfig& config);
void ReadQwen2Config(JsonFields& fields, ModelConfig& config);
void ReadQwen3Config(JsonFields& fields, ModelConfig& config);
void ReadPhi3Config(JsonFields& fields, ModelConfig& config);
void ReadGemma2Config(JsonFields& fields, ModelConfig& config);
void ReadGemma3Config(JsonFields& fields, ModelConfig& config);
void ReadGpt2Config(JsonFields& fields, ModelConfig& config);
void ReadBertConfig(JsonFields& fields, ModelConfig& config);
void ReadRobertaConfig(JsonFields& fields, ModelConfig& config);
void ReadStaticConfig(JsonFields& fields, ModelConfig& config);

}  // namespace quire::engine
