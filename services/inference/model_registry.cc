#include "services/inference/model_registry.h"

#include "services/server/error_details.h"

namespace quire::services {
namespace {

constexpr std::string_view kPrefix = "models/";

std::string_view WithoutPrefix(std::string_view name) {
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

Status NoModel(std::string_view kind, std::string_view flag) {
  return FailedPrecondition("model: wanted {}, have none on this server: start it with {} PATH",
                            kind, flag);
}

// True if a request for `name`, without prefix, means the model `served`.
template <typename Served>
bool Names(const Served* served, std::string_view default_name, std::string_view name) {
  return served != nullptr && (name == served->name || name == default_name);
}

constexpr std::string_view kLanguageKind = "a language model";
constexpr std::string_view kEmbeddingKind = "an embedding model";
constexpr std::string_view kRerankingKind = "a reranking model";

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

inference::v1::Model Describe(const ServedRerankingModel& served) {
  const engine::Reranker& reranker = *served.reranker;
  inference::v1::Model model;
  model.set_name(std::string(kPrefix) + served.name);
  model.set_architecture(reranker.architecture());
  model.set_context_tokens(reranker.max_tokens());
  model.set_vocab_size(static_cast<std::int32_t>(reranker.tokenizer().vocab_size()));
  model.set_can_rerank(true);
  model.set_weight_bytes(reranker.memory().weight_bytes);
  return model;
}

}  // namespace

std::string_view ModelRegistry::OnlyPurpose(std::string_view name) const {
  using engine::ModelTask;
  if (Names(language(), kDefaultLanguageModel, name)) return engine::Purpose(ModelTask::kGenerate);
  if (Names(embedding(), kDefaultEmbeddingModel, name)) return engine::Purpose(ModelTask::kEmbed);
  if (Names(reranking(), kDefaultRerankingModel, name)) return engine::Purpose(ModelTask::kRerank);
  return "";
}

Status ModelRegistry::NotOfKind(const std::string& name, std::string_view kind) const {
  const std::string_view purpose = OnlyPurpose(WithoutPrefix(name));
  if (purpose.empty()) return ModelNotFound(name);
  return FailedPrecondition("model: wanted {}, have '{}', which {}", kind, name, purpose);
}

StatusOr<const ServedLanguageModel*> ModelRegistry::FindLanguageModel(
    const std::string& name) const {
  const std::string_view wanted = name.empty() ? kDefaultLanguageModel : WithoutPrefix(name);
  if (Names(language(), kDefaultLanguageModel, wanted)) return language();
  if (wanted == kDefaultLanguageModel) return NoModel(kLanguageKind, "--model");
  return NotOfKind(name, kLanguageKind);
}

StatusOr<const ServedEmbeddingModel*> ModelRegistry::FindEmbeddingModel(
    const std::string& name) const {
  const std::string_view wanted = name.empty() ? kDefaultEmbeddingModel : WithoutPrefix(name);
  if (Names(embedding(), kDefaultEmbeddingModel, wanted)) return embedding();
  if (wanted == kDefaultEmbeddingModel) return NoModel(kEmbeddingKind, "--embedding-model");
  return NotOfKind(name, kEmbeddingKind);
}

StatusOr<const ServedRerankingModel*> ModelRegistry::FindRerankingModel(
    const std::string& name) const {
  const std::string_view wanted = name.empty() ? kDefaultRerankingModel : WithoutPrefix(name);
  if (Names(reranking(), kDefaultRerankingModel, wanted)) return reranking();
  if (wanted == kDefaultRerankingModel) return NoModel(kRerankingKind, "--rerank-model");
  return NotOfKind(name, kRerankingKind);
}

StatusOr<const engine::Tokenizer*> ModelRegistry::FindTokenizer(const std::string& name) const {
  const std::string_view wanted = WithoutPrefix(name);
  if (Names(embedding(), kDefaultEmbeddingModel, wanted))
    return &embedding()->embedder->tokenizer();
  if (Names(reranking(), kDefaultRerankingModel, wanted))
    return &reranking()->reranker->tokenizer();
  QUIRE_ASSIGN_OR_RETURN(const ServedLanguageModel* model, FindLanguageModel(name));
  return &model->engine->tokenizer();
}

std::vector<inference::v1::Model> ModelRegistry::Describe() const {
  std::vector<inference::v1::Model> models;
  if (language() != nullptr) models.push_back(services::Describe(*language()));
  if (embedding() != nullptr) models.push_back(services::Describe(*embedding()));
  if (reranking() != nullptr) models.push_back(services::Describe(*reranking()));
  return models;
}

Status ModelNotFound(std::string_view name) {
  return WithResourceInfo(
      NotFound("model: wanted one of ListModels, have '{}'", TruncateText(name, 100)),
      inference::v1::Model::descriptor()->full_name(), name);
}

}  // namespace quire::services
