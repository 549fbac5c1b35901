#include <cstdio>

#include "base/log.h"
#include "services/cli/commands/commands.h"
#include "services/cli/in_process_server.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/inference/inference_server.h"
#include "services/orchestrator/orchestrator_server.h"
#include "services/retrieval/retrieval_server.h"
#include "services/server/server.h"

namespace quire::services::cli {
namespace {

constexpr std::int32_t kDefaultPort = 50051;

class ServeCommand final : public Command {
 public:
  explicit ServeCommand(CLI::App& parent);
  Status Run(Session& session) override;
  bool handles_signals() const override { return true; }
  const char* default_log_level() const override { return "info"; }

 private:
  // Models that were not given are the bundled ones, if there are any.
  StatusOr<InferenceOptions> ResolveModels(const GlobalOptions& options) const;

  InferenceOptions inference_;
  ServerOptions server_;
};

ServeCommand::ServeCommand(CLI::App& parent)
    : Command(parent, {.name = "serve",
                       .summary = "Serve models, documents and answers on one port",
                       .group = kDocumentCommands,
                       .examples = "  quire serve --model ./llama --embedding-model ./minilm\n"
                                   "  quire serve --model ./llama --embedding-model ./minilm "
                                   "--rerank-model ./bge-reranker\n"
                                   "  quire ask --server localhost:50051 --collection docs "
                                   "'Who may sign?'"}) {
  server_.port = kDefaultPort;
  AddInferenceOptions(app(), inference_);
  AddServerOptions(app(), server_);
}

StatusOr<InferenceOptions> ServeCommand::ResolveModels(const GlobalOptions& options) const {
  InferenceOptions resolved = inference_;
  const auto language = ResolveModel(inference_.model, ModelKind::kLanguage, options);
  const auto embedding = ResolveModel(inference_.embedding_model, ModelKind::kEmbedding, options);
  if (!language.ok() && (!inference_.model.empty() || !embedding.ok())) return language.status();
  if (!embedding.ok() && !inference_.embedding_model.empty()) return embedding.status();
  const auto reranking = ResolveModel(inference_.rerank_model, ModelKind::kReranking, options);
  if (!reranking.ok() && !inference_.rerank_model.empty()) return reranking.status();
  resolved.model = language.value_or("");
  resolved.embedding_model = embedding.value_or("");
  resolved.rerank_model = reranking.value_or("");
  if (resolved.model_name.empty()) resolved.model_name = ModelName(resolved.model);
  if (resolved.embedding_model_name.empty()) {
    resolved.embedding_model_name = ModelName(resolved.embedding_model);
  }
  if (resolved.rerank_model_name.empty()) {
    resolved.rerank_model_name = ModelName(resolved.rerank_model);
  }
  return resolved;
}

// The three services of one process. Declared so that users go before what they use.
struct Services {
  std::unique_ptr<InferenceServer> inference;
  std::unique_ptr<RetrievalServer> retrieval;
  std::unique_ptr<OrchestratorServer> orchestrator;
  // The services' calls among themselves: were they to share the threads of the port, enough
  // questions at once would leave none for the calls that answer them.
  std::unique_ptr<InProcessServer> internal;
  std::unique_ptr<Server> server;
};

StatusOr<Services> Start(const InferenceOptions& inference, const std::string& data_dir,
                         const ServerOptions& options) {
  Services services;
  QUIRE_ASSIGN_OR_RETURN(services.inference, InferenceServer::Create(inference));
  QUIRE_ASSIGN_OR_RETURN(services.retrieval, RetrievalServer::Create({.data_dir = data_dir}));
  services.orchestrator = OrchestratorServer::Create();

  std::vector<grpc::Service*> called = services.inference->services();
  const auto retrieval = services.retrieval->services();
  called.insert(called.end(), retrieval.begin(), retrieval.end());
  QUIRE_ASSIGN_OR_RETURN(services.internal, InProcessServer::Start(called));

  std::vector<grpc::Service*> all = called;
  const auto orchestrator = services.orchestrator->services();
  all.insert(all.end(), orchestrator.begin(), orchestrator.end());
  QUIRE_ASSIGN_OR_RETURN(services.server, Server::Start(options, all));
  return services;
}

Status Load(Services& services) {
  QUIRE_RETURN_IF_ERROR(services.inference->Load());
  for (const std::string& line : services.inference->Description()) log::Info("{}", line);
  const auto channel = services.internal->channel();
  QUIRE_RETURN_IF_ERROR(services.retrieval->Load(channel, nullptr));
  services.orchestrator->Connect({.inference = channel, .retrieval = channel});
  services.server->SetServing(true);
  return OkStatus();
}

Status ServeCommand::Run(Session& session) {
  const GlobalOptions& options = session.options();
  QUIRE_ASSIGN_OR_RETURN(const InferenceOptions inference, ResolveModels(options));
  QUIRE_ASSIGN_OR_RETURN(Services services, Start(inference, options.data_dir, server_));
  QUIRE_RETURN_IF_ERROR(Load(services));
  const auto name = [](const std::string& model) { return model.empty() ? "none" : model.c_str(); };
  fmt::print(stderr,
             "serving on {}:{}\n  language model: {}\n  embedding model: {}\n"
             "  reranking model: {}\n  documents: {}\n",
             server_.host, services.server->port(), name(inference.model),
             name(inference.embedding_model), name(inference.rerank_model), options.data_dir);
  const Status ended =
      WaitForTerminationSignalOrFailure([&] { return services.inference->health(); });
  log::Info("stopping: running calls get {} s", server_.drain_timeout.count());
  services.server->Shutdown();
  return ended;
}

}  // namespace

std::unique_ptr<Command> NewServeCommand(CLI::App& parent) {
  return std::make_unique<ServeCommand>(parent);
}

}  // namespace quire::services::cli
