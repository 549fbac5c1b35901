#include "services/inference/inference_server.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.h"
#include "engine/embedder.h"
#include "engine/engine.h"
#include "engine/kv/kv_cache.h"
#include "engine/kv/memory_budget.h"
#include "engine/memory_plan.h"
#include "engine/reranker.h"
#include "kernels/device.h"
#include "services/hub/pull_model.h"
#include "services/inference/inference_service.h"
#include "services/inference/model_name.h"
#include "services/inference/model_registry.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

std::string Describe(const ServedLanguageModel& model, const std::string& device) {
  return fmt::format("language model {}: {}, context {} tokens, on {}", model.name,
                     model.engine->config().architecture, model.engine->limits().context_tokens,
                     device);
}

std::string Describe(const ServedEmbeddingModel& model, const std::string& device) {
  return fmt::format("embedding model {}: {}, {} dimensions, {} tokens, on {}", model.name,
                     model.embedder->architecture(), model.embedder->dimension(),
                     model.embedder->max_tokens(), device);
}

std::string Describe(const ServedRerankingModel& model, const std::string& device) {
  return fmt::format("reranking model {}: {}, {} tokens, on {}", model.name,
                     model.reranker->architecture(), model.reranker->max_tokens(), device);
}

// The plan as the loaded models have carried it out.
engine::MemoryPlan PlanOf(kernels::Device& device, std::int64_t available_bytes,
                          const ServedModels& models) {
  engine::MemoryPlan plan;
  if (device.free_bytes()) plan.device = device.name();
  plan.available_bytes = available_bytes;
  if (models.embedding) plan.embedding = models.embedding->embedder->memory();
  if (models.reranking) plan.reranking = models.reranking->reranker->memory();
  if (!models.language) return plan;
  const ServedLanguageModel* language = &*models.language;
  const engine::EngineLimits& limits = language->engine->limits();
  plan.language = {.weight_bytes = limits.weight_bytes, .workspace_bytes = limits.workspace_bytes};
  plan.kv = {.size_bytes = limits.kv_cache_bytes,
             .host_tier_bytes = limits.host_tier_bytes,
             .num_blocks = language->engine->load().num_blocks,
             .block_size = language->kv_block_size,
             .dtype = limits.kv_cache_dtype,
             .context_tokens = limits.context_tokens};
  return plan;
}

// An error of loading: what is wrong with the files is told apart from a machine that is too small
// and options that do not go with the model.
Status AnnotateLoad(const Status& status, const std::string& flag, const std::string& path) {
  const Status annotated = Annotate(status, flag + " " + path);
  const bool is_other = absl::IsResourceExhausted(status) || absl::IsInternal(status) ||
                        absl::IsFailedPrecondition(status);
  return is_other ? annotated : WithErrorInfo(annotated, kBadModelFile, {{"path", path}});
}

// The directory of a model, downloaded if it is one of a hub.
StatusOr<std::string> LocalPath(const std::string& model, const std::string& flag) {
  if (!hub::IsModelReference(model)) return model;
  std::string file;
  const auto path = hub::PullModel(model, [&](const hub::DownloadProgress& progress) {
    if (std::exchange(file, progress.file) != progress.file) {
      log::Info("{}: downloading {}, {} bytes", model, progress.file, progress.total_bytes);
    }
    return true;
  });
  if (absl::IsUnimplemented(path.status())) return AnnotateLoad(path.status(), flag, model);
  if (!path.ok()) return Annotate(path.status(), flag);
  return path;
}

class ModelServer final : public InferenceServer {
 public:
  // Requires: options that Create has checked, names filled in.
  ModelServer(InferenceOptions options, kernels::DType kv_cache_type,
              std::optional<kernels::RoundingKind> quantize,
              std::unique_ptr<kernels::Device> device)
      : options_(std::move(options)),
        kv_cache_type_(kv_cache_type),
        quantize_(quantize),
        device_(std::move(device)) {}

  std::vector<grpc::Service*> services() override { return {&service_}; }
  Status Load() override;
  std::vector<std::string> Description() const override;
  Status health() const override { return device_->health(); }

 private:
  // `memory_bytes`: what it may take of the host's memory.
  StatusOr<std::optional<ServedLanguageModel>> LoadLanguageModel(std::int64_t memory_bytes);
  StatusOr<std::optional<ServedEmbeddingModel>> LoadEmbeddingModel();
  StatusOr<std::optional<ServedRerankingModel>> LoadRerankingModel();

  const InferenceOptions options_;
  const kernels::DType kv_cache_type_;
  const std::optional<kernels::RoundingKind> quantize_;
  const std::unique_ptr<kernels::Device> device_;
  // The models take turns on the device.
  const std::shared_ptr<engine::ComputeTurns> turns_ = std::make_shared<engine::ComputeTurns>();
  mutable std::mutex mutex_;                     // guards models_ until Load is done
  std::unique_ptr<const ModelRegistry> models_;  // uses device_
  InferenceServiceImpl service_;                 // uses models_
};

StatusOr<std::optional<ServedLanguageModel>> ModelServer::LoadLanguageModel(
    std::int64_t memory_bytes) {
  if (options_.model.empty()) return std::optional<ServedLanguageModel>();
  QUIRE_ASSIGN_OR_RETURN(const std::string path, LocalPath(options_.model, "--model"));
  const engine::EngineOptions engine_options{
      .model_path = path,
      .block_size = options_.block_size,
      .kv_cache_bytes = options_.kv_cache_bytes,
      .host_tier_bytes = options_.kv_host_bytes,
      .memory_bytes = memory_bytes,
      .kv_cache_dtype = kv_cache_type_,
      .context_tokens = options_.context_tokens,
      .max_batch_tokens = options_.max_batch_tokens,
      .max_sequences = options_.max_sequences,
      .max_queued_requests = options_.max_queued_requests,
      .max_queued_tokens = options_.max_queued_tokens,
      .slow_readers = {},
      .prefix_cache = options_.prefix_cache,
      .record_steps = options_.record_steps,
      .turns = turns_,
      .quantize = quantize_,
  };
  auto engine = engine::Engine::Create(engine_options, *device_);
  if (!engine.ok()) return AnnotateLoad(engine.status(), "--model", options_.model);
  return std::optional<ServedLanguageModel>(
      {.name = options_.model_name,
       .engine = *std::move(engine),
       .kv_block_size = options_.block_size,
       .prompt_lookup_tokens = options_.prompt_lookup_tokens});
}

StatusOr<std::optional<ServedEmbeddingModel>> ModelServer::LoadEmbeddingModel() {
  if (options_.embedding_model.empty()) return std::optional<ServedEmbeddingModel>();
  QUIRE_ASSIGN_OR_RETURN(const std::string path,
                         LocalPath(options_.embedding_model, "--embedding-model"));
  auto embedder = engine::Embedder::Create({.model_path = path, .turns = turns_}, *device_);
  if (!embedder.ok()) {
    return AnnotateLoad(embedder.status(), "--embedding-model", options_.embedding_model);
  }
  return std::optional<ServedEmbeddingModel>(
      {.name = options_.embedding_model_name, .embedder = *std::move(embedder)});
}

StatusOr<std::optional<ServedRerankingModel>> ModelServer::LoadRerankingModel() {
  if (options_.rerank_model.empty()) return std::optional<ServedRerankingModel>();
  QUIRE_ASSIGN_OR_RETURN(const std::string path,
                         LocalPath(options_.rerank_model, "--rerank-model"));
  auto reranker = engine::Reranker::Create({.model_path = path, .turns = turns_}, *device_);
  if (!reranker.ok()) {
    return AnnotateLoad(reranker.status(), "--rerank-model", options_.rerank_model);
  }
  return std::optional<ServedRerankingModel>(
      {.name = options_.rerank_model_name, .reranker = *std::move(reranker)});
}

Status ModelServer::Load() {
  const std::int64_t available_bytes = engine::AvailableMemoryBytes(*device_);
  // The encoders first: the KV cache gets what the models leave.
  ServedModels models;
  QUIRE_ASSIGN_OR_RETURN(models.embedding, LoadEmbeddingModel());
  QUIRE_ASSIGN_OR_RETURN(models.reranking, LoadRerankingModel());
  const std::int64_t encoder_bytes = PlanOf(*device_, available_bytes, models).total_bytes();
  QUIRE_ASSIGN_OR_RETURN(models.language, LoadLanguageModel(std::max<std::int64_t>(
                                              available_bytes - encoder_bytes, 0)));
  const engine::MemoryPlan plan = PlanOf(*device_, available_bytes, models);
  const std::lock_guard lock(mutex_);
  models_ =
      std::make_unique<const ModelRegistry>(std::string(device_->name()), std::move(models), plan);
  service_.Serve(*models_);
  return OkStatus();
}

std::vector<std::string> ModelServer::Description() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  if (models_ == nullptr) return lines;
  const std::string& device = models_->device();
  if (models_->language() != nullptr) lines.push_back(Describe(*models_->language(), device));
  if (models_->embedding() != nullptr) lines.push_back(Describe(*models_->embedding(), device));
  if (models_->reranking() != nullptr) lines.push_back(Describe(*models_->reranking(), device));
  for (std::string& line : engine::Describe(models_->memory())) lines.push_back(std::move(line));
  return lines;
}

// A model as the options name it.
struct NamedPath {
  const std::string& path;
  std::string& name;
  const char* name_flag;
};

Status FillNames(InferenceOptions& options) {
  const NamedPath models[] = {
      {options.model, options.model_name, "--model-name"},
      {options.embedding_model, options.embedding_model_name, "--embedding-model-name"},
      {options.rerank_model, options.rerank_model_name, "--rerank-model-name"},
  };
  std::vector<std::string_view> names;
  for (const NamedPath& model : models) {
    if (model.path.empty()) continue;
    QUIRE_ASSIGN_OR_RETURN(model.name, ModelName(model.name, model.path));
    if (std::find(names.begin(), names.end(), model.name) != names.end()) {
      return InvalidArgument(
          "model name: wanted different names, have '{}' twice: give one with {}", model.name,
          model.name_flag);
    }
    names.push_back(model.name);
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<InferenceServer>> InferenceServer::Create(
    const InferenceOptions& options) {
  QUIRE_ASSIGN_OR_RETURN(auto device,
                         kernels::FindDevice(options.device, {.num_threads = options.threads}));
  return Create(options, std::move(device));
}

StatusOr<std::unique_ptr<InferenceServer>> InferenceServer::Create(
    const InferenceOptions& options, std::unique_ptr<kernels::Device> device) {
  if (options.model.empty() && options.embedding_model.empty() && options.rerank_model.empty()) {
    return InvalidArgument(
        "models: wanted --model PATH, --embedding-model PATH or --rerank-model PATH, have none");
  }
  InferenceOptions named = options;
  QUIRE_RETURN_IF_ERROR(FillNames(named));
  QUIRE_ASSIGN_OR_RETURN(const kernels::DType kv_cache_type,
                         engine::ParseKvCacheType(options.kv_cache_type, *device));
  std::optional<kernels::RoundingKind> quantize;
  if (!options.quantize.empty()) {
    QUIRE_ASSIGN_OR_RETURN(quantize, kernels::ParseRoundingKind(options.quantize));
  }
  return std::make_unique<ModelServer>(std::move(named), kv_cache_type, quantize,
                                       std::move(device));
}

}  // namespace quire::services
