#include "services/inference/scheduling.h"

#include "services/inference/handlers.h"
#include "services/inference/validation.h"

namespace quire::services {
namespace {

engine::Priority ToEngine(inference::v1::Priority priority) {
  switch (priority) {
    case inference::v1::PRIORITY_BATCH:
      return engine::Priority::kBatch;
    case inference::v1::PRIORITY_INTERACTIVE:
      return engine::Priority::kInteractive;
    default:
      return engine::Priority::kNormal;
  }
}

}  // namespace

const std::string& ClientOf(const InferenceCall& call, const std::string& client_id) {
  return client_id.empty() ? call.peer : client_id;
}

engine::SchedulingParams ToEngine(const InferenceCall& call,
                                  const inference::v1::SchedulingOptions& options) {
  return {.priority = ToEngine(options.priority()),
          .client = ClientOf(call, options.client_id()),
          .group = options.group_id(),
          .cache_salt = options.cache_salt()};
}

Status CancelGroup(const InferenceCall& call, const ModelRegistry& models,
                   const inference::v1::CancelGroupRequest& request) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  model->engine->CancelGroup(ClientOf(call, request.client_id()), request.group_id());
  return OkStatus();
}

}  // namespace quire::services
