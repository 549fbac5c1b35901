#pragma once

#include <memory>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/engine_core.h"
#include "engine/model/generation_config.h"

namespace quire::engine {

// Everything a directory and the options make of a language model.
struct LoadedModel {
  ModelConfig config;
  GenerationConfig generation;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;  // null if the model has none
  EngineLimits limits;
  std::unique_ptr<EngineCore> core;
};

// Errors as Engine::Create.
StatusOr<LoadedModel> LoadLanguageModel(const EngineOptions& options, kernels::Device& device);

}  // namespace quire::engine
