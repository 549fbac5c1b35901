#pragma once

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "engine/formats/gguf_file.h"
#include "engine/model/embedding_model.h"

// What the metadata of a GGUF file say about an encoder of the BERT kind (general.architecture
// "bert"): MiniLM, BGE, E5, GTE as llama.cpp's converter writes them.

namespace quire::engine {

inline constexpr std::string_view kGgufBert = "bert";

// GgufConfigJson for such a file.
StatusOr<nlohmann::json> GgufBertConfigJson(const GgufFile& file);

// How the vectors of a text's tokens become one: as "bert.pooling_type" says, by mean where the key
// is absent, and to unit length, as llama.cpp embeds. Returns INVALID_ARGUMENT if the key is
// malformed, UNIMPLEMENTED for a pooling that we do not have.
StatusOr<PoolingConfig> ReadGgufPooling(const GgufFile& file);

}  // namespace quire::engine
