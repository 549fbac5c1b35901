#include "services/cli/remote_services.h"

#include "services/server/channel.h"

namespace quire::services::cli {

RemoteServices::RemoteServices(const std::string& address, const ModelOptions& models)
    : channel_(MakeChannel(address)),
      language_model_name_(models.model),
      embedding_model_name_(models.embedding_model),
      rerank_model_name_(models.rerank_model) {}

}  // namespace quire::services::cli
