#include "engine/model/static_config.h"

#include "engine/formats/json_file.h"
#include "engine/formats/static_table.h"
#include "engine/model/architecture.h"
#include "engine/model/config_fields.h"
#include "engine/model/sentence_transformers.h"

namespace quire::engine {
namespace {

// These models have no limit of their own, but a batch has one; longer texts are cut and say so.
constexpr std::int32_t kStaticMaxTokens = 8192;
constexpr std::size_t kMaxTokenizerBytes = 128 << 20;

}  // namespace

void ReadStaticConfig(JsonFields&, ModelConfig& config) {
  config.max_position_embeddings = kStaticMaxTokens;
}

bool IsStaticEmbedding(const std::string& directory) {
  const auto settings = LoadSentenceTransformersConfig(directory);
  return settings.ok() && settings->is_static;
}

nlohmann::json StaticConfigJson() { return {{"architectures", {kStaticEmbedding}}}; }

Status ReadStaticShapes(const std::string& directory, ModelConfig& config) {
  QUIRE_ASSIGN_OR_RETURN(const auto settings, LoadSentenceTransformersConfig(directory));
  QUIRE_ASSIGN_OR_RETURN(auto checkpoint, Checkpoint::Open(settings.model_directory));
  QUIRE_ASSIGN_OR_RETURN(const auto table, StaticTable::Open(std::move(checkpoint)));
  config.vocab_size = table->vocab_size();
  config.hidden_size = table->dimension();
  return OkStatus();
}

StatusOr<StaticTokenization> LoadStaticTokenization(const std::string& directory) {
  const std::string path = directory + "/tokenizer.json";
  QUIRE_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonFile(path, kMaxTokenizerBytes));
  JsonFields fields(json, path);
  StaticTokenization tokenization;
  if (std::optional<JsonFields> truncation = fields.Object("truncation")) {
    truncation->Read("max_length", tokenization.max_tokens, 1, kMaxPositions);
    QUIRE_RETURN_IF_ERROR(truncation->status());
  }
  if (std::optional<JsonFields> model = fields.Object("model")) {
    model->Read("unk_token", tokenization.unknown_token);
    QUIRE_RETURN_IF_ERROR(model->status());
  }
  QUIRE_RETURN_IF_ERROR(fields.status());
  return tokenization;
}

}  // namespace quire::engine
