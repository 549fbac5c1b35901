#include "services/cli/local_services.h"

#include <stdlib.h>

#include "services/cli/model_path.h"
#include "services/cli/progress.h"
#include "services/server/channel.h"

namespace quire::services::cli {
namespace {

// Requests of one command that run at once: the calls of a map step.
constexpr std::int32_t kMaxSequences = 8;

StatusOr<std::unique_ptr<RetrievalServer>> OpenStore(const std::string& folder) {
  auto host = RetrievalServer::Create({.data_dir = folder});
  if (absl::IsFailedPrecondition(host.status())) {
    return FailedPrecondition("{}; a running `quire serve` is reached with --server",
                              Message(host.status()));
  }
  return host;
}

}  // namespace

StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Create() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return Internal("temporary folder: {}", error.message());
  std::string pattern = (parent / "quire-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    return Internal("temporary folder: {} cannot be made", pattern);
  }
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(pattern)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Status LocalServices::StartInference(InferenceOptions options, Hosted<InferenceServer>& hosted) {
  options.device = models_.device;
  options.threads = models_.threads;
  ProgressLine progress(terminal_.stderr_is_terminal, terminal_.columns);
  progress.Update(
      "loading " + options.model + options.embedding_model +
          (options.embedding_model.empty() || options.rerank_model.empty() ? "" : ", ") +
          options.rerank_model,
      0, 0);
  QUIRE_ASSIGN_OR_RETURN(auto host, InferenceServer::Create(options));
  QUIRE_RETURN_IF_ERROR(host->Load());
  QUIRE_ASSIGN_OR_RETURN(hosted.server, InProcessServer::Start(host->services()));
  hosted.host = std::move(host);
  return OkStatus();
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::LanguageModel() {
  if (language_.server == nullptr) {
    InferenceOptions options;
    QUIRE_ASSIGN_OR_RETURN(options.model,
                           ResolveModel(models_.model, ModelKind::kLanguage, options_));
    options.model_name = ModelName(options.model);
    options.kv_cache_type = models_.kv_cache_type;
    options.context_tokens = models_.context_tokens;
    options.quantize = models_.quantize;
    options.max_sequences = kMaxSequences;
    QUIRE_RETURN_IF_ERROR(StartInference(std::move(options), language_));
  }
  return language_.server->channel();
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::StartEncoders(
    bool embeds, bool reranks, Hosted<InferenceServer>& hosted) {
  if (hosted.server != nullptr) return hosted.server->channel();
  InferenceOptions options;
  if (embeds) {
    QUIRE_ASSIGN_OR_RETURN(options.embedding_model,
                           ResolveModel(models_.embedding_model, ModelKind::kEmbedding, options_));
    options.embedding_model_name = models_.embedding_model_name.empty()
                                       ? ModelName(options.embedding_model)
                                       : models_.embedding_model_name;
  }
  if (reranks) {
    QUIRE_ASSIGN_OR_RETURN(options.rerank_model,
                           ResolveModel(models_.rerank_model, ModelKind::kReranking, options_));
    // Nobody sees it; the two must differ.
    options.rerank_model_name = "local-reranking-model";
  }
  QUIRE_RETURN_IF_ERROR(StartInference(std::move(options), hosted));
  return hosted.server->channel();
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::EmbeddingModel() {
  return StartEncoders(/*embeds=*/true, models_.reranks, embedding_);
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::RerankModel() {
  return StartEncoders(/*embeds=*/false, /*reranks=*/true, reranking_);
}

StatusOr<std::string> LocalServices::StoreFolder() {
  if (store_ == Store::kDataDir) return options_.data_dir;
  QUIRE_ASSIGN_OR_RETURN(folder_, TemporaryFolder::Create());
  return folder_->path();
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::Documents(bool embeds) {
  if (retrieval_.server == nullptr) {
    QUIRE_ASSIGN_OR_RETURN(const std::string folder, StoreFolder());
    // Calls that need no embedding model leave the inference service alone, so none has to be
    // there.
    std::shared_ptr<grpc::Channel> inference = MakeChannel("unix:" + folder + "/no-inference");
    if (embeds) {
      QUIRE_ASSIGN_OR_RETURN(inference, EmbeddingModel());
    } else if (models_.reranks) {
      QUIRE_ASSIGN_OR_RETURN(inference, RerankModel());
    }
    QUIRE_ASSIGN_OR_RETURN(auto host, OpenStore(folder));
    ProgressLine progress(terminal_.stderr_is_terminal, terminal_.columns);
    QUIRE_RETURN_IF_ERROR(host->Load(inference, [&](std::int64_t done, std::int64_t total) {
      progress.Update("opening the index", done, total);
    }));
    QUIRE_ASSIGN_OR_RETURN(retrieval_.server, InProcessServer::Start(host->services()));
    retrieval_.host = std::move(host);
  }
  return retrieval_.server->channel();
}

StatusOr<std::shared_ptr<grpc::Channel>> LocalServices::Answers(
    std::shared_ptr<grpc::Channel> documents) {
  QUIRE_ASSIGN_OR_RETURN(auto inference, LanguageModel());
  if (orchestrator_.server == nullptr) {
    orchestrator_.host = OrchestratorServer::Create();
    QUIRE_ASSIGN_OR_RETURN(orchestrator_.server,
                           InProcessServer::Start(orchestrator_.host->services()));
  }
  orchestrator_.host->Connect(
      {.inference = std::move(inference), .retrieval = std::move(documents)});
  return orchestrator_.server->channel();
}

}  // namespace quire::services::cli
