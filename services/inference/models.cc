#include <algorithm>

#include "engine/kv/kv_cache.h"
#include "services/inference/handlers.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"
#include "services/server/version.h"

namespace quire::services {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr std::string_view kPageTokenPrefix = "from:";

// A page token names the first model of the page.
StatusOr<std::size_t> PageStart(const std::vector<inference::v1::Model>& models,
                                const std::string& page_token) {
  if (page_token.empty()) return 0;
  const auto first = std::find_if(models.begin(), models.end(), [&](const auto& model) {
    return page_token == std::string(kPageTokenPrefix) + model.name();
  });
  if (first == models.end()) {
    return InvalidField("page_token", "wanted the next_page_token of an earlier page");
  }
  return static_cast<std::size_t>(first - models.begin());
}

std::string_view DefaultName(const inference::v1::Model& model) {
  if (model.can_embed()) return kDefaultEmbeddingModel;
  return model.can_rerank() ? kDefaultRerankingModel : kDefaultLanguageModel;
}

void DescribeMemory(const engine::MemoryPlan& plan, inference::v1::MemoryPlan& to) {
  to.set_available_bytes(plan.available_bytes);
  if (plan.embedding) {
    to.set_embedding_weight_bytes(plan.embedding->weight_bytes);
    to.set_embedding_workspace_bytes(plan.embedding->workspace_bytes);
  }
  if (plan.reranking) {
    to.set_reranking_weight_bytes(plan.reranking->weight_bytes);
    to.set_reranking_workspace_bytes(plan.reranking->workspace_bytes);
  }
  if (!plan.language) return;
  to.set_language_weight_bytes(plan.language->weight_bytes);
  to.set_language_workspace_bytes(plan.language->workspace_bytes);
  to.set_kv_cache_bytes(plan.kv.size_bytes);
  to.set_kv_cache_type(std::string(engine::KvCacheTypeName(plan.kv.dtype)));
  to.set_context_tokens(plan.kv.context_tokens);
}

}  // namespace

Status ListModels(const ModelRegistry& registry, const inference::v1::ListModelsRequest& request,
                  inference::v1::ListModelsResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  const auto models = registry.Describe();
  QUIRE_ASSIGN_OR_RETURN(const std::size_t begin, PageStart(models, request.page_token()));
  const int page_size =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  const std::size_t end = std::min(models.size(), begin + static_cast<std::size_t>(page_size));
  for (std::size_t i = begin; i < end; ++i) *response.add_models() = models[i];
  if (end < models.size()) {
    response.set_next_page_token(std::string(kPageTokenPrefix) + models[end].name());
  }
  return OkStatus();
}

Status GetModel(const ModelRegistry& registry, const inference::v1::GetModelRequest& request,
                inference::v1::GetModelResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  constexpr std::string_view kForm = "models/";
  if (!request.name().starts_with(kForm) || request.name().size() == kForm.size()) {
    return InvalidField(
        "name", fmt::format("wanted models/MODEL, have '{}'", TruncateText(request.name(), 100)));
  }
  const std::string name = request.name().substr(kForm.size());
  for (const auto& model : registry.Describe()) {
    if (name == DefaultName(model) || model.name() == request.name()) {
      *response.mutable_model() = model;
      return OkStatus();
    }
  }
  return ModelNotFound(request.name());
}

Status GetServerInfo(const ModelRegistry& registry,
                     inference::v1::GetServerInfoResponse& response) {
  response.set_version(std::string(Version()));
  response.set_device(registry.device());
  DescribeMemory(registry.memory(), *response.mutable_memory());
  const ServedLanguageModel* model = registry.language();
  if (model == nullptr) return OkStatus();
  const engine::EngineLoad load = model->engine->load();
  response.set_num_running_requests(load.num_running);
  response.set_num_waiting_requests(load.num_waiting);
  response.set_num_kv_blocks(load.num_blocks);
  response.set_num_free_kv_blocks(load.num_free_blocks);
  response.set_kv_block_size(model->kv_block_size);
  response.set_expected_wait_ms(
      std::chrono::duration<double, std::milli>(load.expected_wait).count());
  response.set_num_preemptions(load.num_preemptions);
  return OkStatus();
}

}  // namespace quire::services
