#include "services/inference/model_registry.h"

#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::string_view kPrefix = "models/";

std::string_view WithoutPrefix(std::string_view name) {
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

Status NoLanguageModel() {
  return FailedPrecondition(
      "model: wanted a language model, have none on this server: start it with --model PATH");
}

Status NoEmbeddingModel() {
  return FailedPrecondition(
      "model: wanted an embedding model, have none on this server: start it with "
      "--embedding-model PATH");
}

inference::v1::Model Describe(const ServedLanguageModel& served) {
  const engine::Engine& engine = *served.engine;
  inference::v1::Model model;
  model.set_name(std::string(kPrefix) + served.name);
  model.set_architecture(engine.config().architecture);
  model.set_context_tokens(engine.limits().context_tokens);
  model.set_vocab_size(engine.config().vocab_size);
  model.set_can_generate(true);
  model.set_can_chat(engine.chat_template() != nullptr);
  model.set_weight_bytes(engine.limits().weight_bytes);
  return model;
}

inference::v1::Model Describe(const ServedEmbeddingModel& served) {
  const engine::Embedder& embedder = *served.embedder;
  inference::v1::Model model;
  model.set_name(std::string(kPrefix) + served.name);
  model.set_architecture(embedder.architecture());
  model.set_context_tokens(embedder.max_tokens());
  model.set_vocab_size(static_cast<std::int32_t>(embedder.tokenizer().vocab_size()));
  model.set_embedding_dimension(embedder.dimension());
  model.set_can_embed(true);
  model.set_weight_bytes(embedder.memory().weight_bytes);
  model.set_fingerprint(embedder.fingerprint());
  return model;
}

}  // namespace

bool ModelRegistry::NamesLanguage(std::string_view name) const {
  return language_ && (name == language_->name || name == kDefaultLanguageModel);
}

bool ModelRegistry::NamesEmbedding(std::string_view name) const {
  return embedding_ && (name == embedding_->name || name == kDefaultEmbeddingModel);
}

StatusOr<const ServedLanguageModel*> ModelRegistry::FindLanguageModel(
    const std::string& name) const {
  const std::string_view wanted = name.empty() ? kDefaultLanguageModel : WithoutPrefix(name);
  if (NamesLanguage(wanted)) return &*language_;
  if (wanted == kDefaultLanguageModel) return NoLanguageModel();
  if (NamesEmbedding(wanted)) {
    return FailedPrecondition("model: wanted a language model, have '{}', which only embeds", name);
  }
  return ModelNotFound(name);
}

StatusOr<const ServedEmbeddingModel*> ModelRegistry::FindEmbeddingModel(
    const std::string& name) const {
  const std::string_view wanted = name.empty() ? kDefaultEmbeddingModel : WithoutPrefix(name);
  if (NamesEmbedding(wanted)) return &*embedding_;
  if (wanted == kDefaultEmbeddingModel) return NoEmbeddingModel();
  if (NamesLanguage(wanted)) {
    return FailedPrecondition("model: wanted an embedding model, have '{}', which only generates",
                              name);
  }
  return ModelNotFound(name);
}

StatusOr<const engine::Tokenizer*> ModelRegistry::FindTokenizer(const std::string& name) const {
  if (NamesEmbedding(WithoutPrefix(name))) return &embedding_->embedder->tokenizer();
  QUIRE_ASSIGN_OR_RETURN(const ServedLanguageModel* model, FindLanguageModel(name));
  return &model->engine->tokenizer();
}

std::vector<inference::v1::Model> ModelRegistry::Describe() const {
  std::vector<inference::v1::Model> models;
  if (language_) models.push_back(services::Describe(*language_));
  if (embedding_) models.push_back(services::Describe(*embedding_));
  return models;
}

Status ModelNotFound(std::string_view name) {
  return WithResourceInfo(
      NotFound("model: wanted one of ListModels, have '{}'", TruncateText(name, 100)),
      inference::v1::Model::descriptor()->full_name(), name);
}

}  // namespace quire::services
