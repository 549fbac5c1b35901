#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "base/status.h"

namespace quire::services::cli {

// Where the documents of services in this process are.
enum class Store {
  kDataDir,    // --data-dir
  kTemporary,  // a folder that is removed with the channels
};

// Ways to the services of a command. Implementations: RemoteServices, where all are at --server;
// LocalServices, where each is started in this process when it is first asked for.
//
// Thread-compatible; the channels are thread-safe and must not be used after this object.
class ServiceChannels {
 public:
  virtual ~ServiceChannels() = default;

  // An inference service that serves the language model.
  virtual StatusOr<std::shared_ptr<grpc::Channel>> LanguageModel() = 0;
  // An inference service that serves the embedding model.
  virtual StatusOr<std::shared_ptr<grpc::Channel>> EmbeddingModel() = 0;
  // An inference service that serves the reranking model.
  virtual StatusOr<std::shared_ptr<grpc::Channel>> RerankModel() = 0;
  // The retrieval services. Without `embeds` only calls that need no embedding model will work.
  // Searches can be reranked if the command's ModelOptions say that it does.
  virtual StatusOr<std::shared_ptr<grpc::Channel>> Documents(bool embeds) = 0;
  // The orchestrator, with the language model. `documents` is what it finds collections with; null
  // if the task names none.
  virtual StatusOr<std::shared_ptr<grpc::Channel>> Answers(
      std::shared_ptr<grpc::Channel> documents) = 0;

  // What requests call the models; empty for the default.
  virtual std::string language_model_name() const = 0;
  virtual std::string embedding_model_name() const = 0;
  virtual std::string rerank_model_name() const = 0;
};

}  // namespace quire::services::cli
