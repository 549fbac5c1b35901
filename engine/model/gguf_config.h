#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"
#include "engine/formats/gguf_file.h"
#include "engine/model/model_config.h"

namespace quire::engine {

// What the metadata of a GGUF file says about its model, in the words of a config.json, so that
// each family reads both. INVALID_ARGUMENT naming the key if one is malformed, UNIMPLEMENTED for an
// architecture we do not have.
StatusOr<nlohmann::json> GgufConfigJson(const GgufFile& file);

// LoadModelConfig for a .gguf file.
StatusOr<ModelConfig> LoadGgufModelConfig(const std::string& path);

}  // namespace quire::engine
