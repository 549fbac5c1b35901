#include <CLI/CLI.hpp>
#include <cstdlib>
#include <future>

#include "base/log.h"
#include "services/inference/inference_server.h"
#include "services/server/config.h"
#include "services/server/server.h"

namespace quire::services {
namespace {

constexpr char kExamples[] = R"(Examples:
  quire-inference --model models/llama-3.2-1b --port 50051
  quire-inference --model models/qwen2.5-0.5b --embedding-model models/all-MiniLM-L6-v2 \
      --kv-cache-bytes 2GiB --port 50051 --admin-port 9090
  QUIRE_DEVICE=cpu/avx2 quire-inference --config quire.yaml

Every option is also QUIRE_NAME in the environment and `name:` in quire.yaml.)";

constexpr std::chrono::milliseconds kSignalPoll{50};

// Waits until the models are loaded. A load cannot be interrupted half way, so a signal meanwhile
// ends the process; there is nothing to save.
Status WaitForLoad(std::future<Status>& load) {
  while (load.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (WaitForTerminationSignal(kSignalPoll)) {
      log::Info("stopped while loading");
      std::_Exit(kExitOk);
    }
  }
  return load.get();
}

Status Run(const InferenceOptions& options, const ServerOptions& server_options) {
  QUIRE_ASSIGN_OR_RETURN(const auto inference, InferenceServer::Create(options));
  QUIRE_ASSIGN_OR_RETURN(const auto server, Server::Start(server_options, inference->services()));
  log::Info("listening on {} port {}, loading", server_options.host, server->port());
  if (server->admin_port() >= 0)
    log::Info("health and reflection on port {}", server->admin_port());
  auto load = std::async(std::launch::async, [&] { return inference->Load(); });
  QUIRE_RETURN_IF_ERROR(WaitForLoad(load));
  for (const std::string& line : inference->Description()) log::Info("{}", line);
  server->SetServing(true);
  log::Info("serving");
  const Status ended = WaitForTerminationSignalOrFailure([&] { return inference->health(); });
  if (!ended.ok()) log::Error("{}", std::string(ended.message()));
  log::Info("draining for up to {} s", server_options.drain_timeout.count());
  server->Shutdown();
  log::Info("stopped");
  return ended;
}

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  CLI::App app("Serves a language model, an embedding model or both over gRPC.", "quire-inference");
  app.footer(kExamples);
  InferenceOptions options;
  // A thread for each request that may run or wait by default, and some for short calls: the queue
  // is full before the threads are, and says so with RetryInfo.
  ServerOptions server_options{.port = 50051, .max_threads = 320};
  LogOptions log_options;
  AddInferenceOptions(app, options);
  AddServerOptions(app, server_options);
  AddLogOptions(app, log_options);
  EnableConfiguration(app);
  return RunProgram(app, argc, argv, [&] {
    log::Initialize(log_options.level, log_options.format == "json");
    return Run(options, server_options);
  });
}

}  // namespace
}  // namespace quire::services

int main(int argc, char** argv) { return quire::services::Main(argc, argv); }
