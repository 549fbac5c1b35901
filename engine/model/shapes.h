#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/model/model_config.h"

namespace quire::engine {

// The configuration of a well-known model, for benchmarks with random weights: "llama-3.2-1b",
// "tinyllama-1.1b", "qwen2.5-0.5b", "llama-3.1-8b", "mistral-7b". Returns NOT_FOUND naming the
// shapes there are.
StatusOr<ModelConfig> FindModelShape(std::string_view name);

}  // namespace quire::engine
