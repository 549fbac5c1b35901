#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/engine_core.h"
#include "engine/formats/model_weights.h"
#include "tests/support/status_matchers.h"

namespace quire::testing {

// The core of an engine over the model at `path`. Fails the test if there is an error.
inline std::unique_ptr<engine::EngineCore> LoadCore(const std::string& path,
                                                    const engine::TransformerLimits& limits,
                                                    const engine::EngineCoreOptions& options,
                                                    kernels::Device& device) {
  const auto config = engine::LoadModelConfig(path);
  EXPECT_THAT(config, IsOk());
  const auto weights = engine::OpenModelWeights(path, config->quantization, {});
  EXPECT_THAT(weights, IsOk());
  auto transformer = engine::Transformer::Load(*config, **weights, limits, device);
  EXPECT_THAT(transformer, IsOk());
  auto core = engine::EngineCore::Create(*std::move(transformer), options, device);
  EXPECT_THAT(core, IsOk());
  return *std::move(core);
}

}  // namespace quire::testing
