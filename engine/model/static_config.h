#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/model/model_config.h"

// What the directory of a static embedding model says. The sentence-transformers layout has no
// config.json: modules.json names the module, the weights' shapes are the configuration.
// model2vec's own layout has one, which says nothing of the shapes.

namespace quire::engine {

// Names in the table of architectures.
inline constexpr std::string_view kStaticEmbedding = "StaticEmbedding";  // sentence-transformers
inline constexpr std::string_view kModel2Vec = "StaticModel";            // model2vec

// True if modules.json can be read and begins with a StaticEmbedding.
bool IsStaticEmbedding(const std::string& directory);

// A config.json for the layout that has none.
nlohmann::json StaticConfigJson();

// Fills vocab_size and hidden_size from the weights of the model in `directory`. Errors as
// LoadSentenceTransformersConfig, Checkpoint::Open and StaticTable::Open.
Status ReadStaticShapes(const std::string& directory, ModelConfig& config);

// What a tokenizer.json says beside the tokenizer.
struct StaticTokenization {
  std::int32_t max_tokens = 0;  // where longer texts are cut; 0: nowhere
  std::string unknown_token;    // "[UNK]"; empty: none
};

// Returns NOT_FOUND if `directory` has no tokenizer.json, INVALID_ARGUMENT if it is malformed.
StatusOr<StaticTokenization> LoadStaticTokenization(const std::string& directory);

}  // namespace quire::engine
