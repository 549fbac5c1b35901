#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "services/cli/global_options.h"
#include "services/cli/in_process_server.h"
#include "services/cli/service_channels.h"
#include "services/cli/terminal.h"
#include "services/inference/inference_server.h"
#include "services/orchestrator/orchestrator_server.h"
#include "services/retrieval/retrieval_server.h"

namespace quire::services::cli {

// A folder that is removed with all it holds at the end of the scope.
class TemporaryFolder {
 public:
  // Returns INTERNAL if the system refuses it.
  static StatusOr<std::unique_ptr<TemporaryFolder>> Create();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

// Services in this process, each started when it is first asked for, so that a command waits for
// nothing it does not use. Each model has an inference service of its own, but for an embedding and
// a reranking model that serve the same searches.
//
// Thread-compatible.
class LocalServices final : public ServiceChannels {
 public:
  LocalServices(const GlobalOptions& options, const ModelOptions& models, Store store,
                const Terminal& terminal)
      : options_(options), models_(models), store_(store), terminal_(terminal) {}

  StatusOr<std::shared_ptr<grpc::Channel>> LanguageModel() override;
  StatusOr<std::shared_ptr<grpc::Channel>> EmbeddingModel() override;
  StatusOr<std::shared_ptr<grpc::Channel>> RerankModel() override;
  StatusOr<std::shared_ptr<grpc::Channel>> Documents(bool embeds) override;
  StatusOr<std::shared_ptr<grpc::Channel>> Answers(
      std::shared_ptr<grpc::Channel> documents) override;
  // There is one of each.
  std::string language_model_name() const override { return ""; }
  std::string embedding_model_name() const override { return ""; }
  std::string rerank_model_name() const override { return ""; }

 private:
  // A host of services and the server in front of it, which goes first.
  template <typename Host>
  struct Hosted {
    std::unique_ptr<Host> host;
    std::unique_ptr<InProcessServer> server;
  };

  Status StartInference(InferenceOptions options, Hosted<InferenceServer>& hosted);
  // What `hosted` serves, started with those of the two encoders that are asked for.
  StatusOr<std::shared_ptr<grpc::Channel>> StartEncoders(bool embeds, bool reranks,
                                                         Hosted<InferenceServer>& hosted);
  StatusOr<std::string> StoreFolder();

  const GlobalOptions& options_;
  const ModelOptions models_;
  const Store store_;
  const Terminal terminal_;
  // Users after what they use.
  std::unique_ptr<TemporaryFolder> folder_;
  Hosted<InferenceServer> language_;
  Hosted<InferenceServer> embedding_;  // and reranking, for searches that are reranked
  Hosted<InferenceServer> reranking_;
  Hosted<RetrievalServer> retrieval_;
  Hosted<OrchestratorServer> orchestrator_;
};

}  // namespace quire::services::cli
