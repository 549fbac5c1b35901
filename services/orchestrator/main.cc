#include <CLI/CLI.hpp>
#include <string>

#include "base/log.h"
#include "services/orchestrator/orchestrator_server.h"
#include "services/server/channel.h"
#include "services/server/config.h"
#include "services/server/server.h"

namespace quire::services {
namespace {

constexpr char kExamples[] = R"(Examples:
  quire-orchestrator --inference localhost:50051 --retrieval localhost:50052 --port 50053
  quire-orchestrator --inference dns:///inference:50051 --host 0.0.0.0 --port 50053 --admin-port 9090
  QUIRE_INFERENCE=localhost:50051 quire-orchestrator --config quire.yaml

Without --retrieval it answers from documents that come with the request alone.
Every option is also QUIRE_NAME in the environment and `name:` in quire.yaml.)";

struct PeerAddresses {
  std::string inference;
  std::string retrieval;  // empty: none
};

void AddPeerOptions(CLI::App& app, PeerAddresses& peers) {
  app.add_option("--inference", peers.inference, "Address of the inference service, host:port")
      ->required()
      ->type_name("ADDR");
  app.add_option("--retrieval", peers.retrieval, "Address of the retrieval service, host:port")
      ->type_name("ADDR");
}

Status Run(const PeerAddresses& peers, const ServerOptions& server_options) {
  const auto orchestrator = OrchestratorServer::Create();
  QUIRE_ASSIGN_OR_RETURN(const auto server,
                         Server::Start(server_options, orchestrator->services()));
  orchestrator->Connect(
      {.inference = MakeChannel(peers.inference),
       .retrieval = peers.retrieval.empty() ? nullptr : MakeChannel(peers.retrieval)});
  log::Info("listening on {} port {}", server_options.host, server->port());
  if (server->admin_port() >= 0)
    log::Info("health and reflection on port {}", server->admin_port());
  server->SetServing(true);
  log::Info("serving; inference at {}, retrieval at {}", peers.inference,
            peers.retrieval.empty() ? "none" : peers.retrieval);
  WaitForTerminationSignal();
  log::Info("draining for up to {} s", server_options.drain_timeout.count());
  server->Shutdown();
  log::Info("stopped");
  return OkStatus();
}

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  CLI::App app("Answers questions and writes summaries over long documents, over gRPC.",
               "quire-orchestrator");
  app.footer(kExamples);
  PeerAddresses peers;
  ServerOptions server_options{.port = 50053};
  LogOptions log_options;
  AddPeerOptions(app, peers);
  AddServerOptions(app, server_options);
  AddLogOptions(app, log_options);
  EnableConfiguration(app);
  return RunProgram(app, argc, argv, [&] {
    log::Initialize(log_options.level, log_options.format == "json");
    return Run(peers, server_options);
  });
}

}  // namespace
}  // namespace quire::services

int main(int argc, char** argv) { return quire::services::Main(argc, argv); }
