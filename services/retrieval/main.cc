#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>

#include "base/log.h"
#include "services/retrieval/retrieval_server.h"
#include "services/server/channel.h"
#include "services/server/config.h"
#include "services/server/server.h"

namespace quire::services {
namespace {

constexpr char kExamples[] = R"(Examples:
  quire-retrieval --data-dir /var/lib/quire --inference localhost:50051 --port 50052
  quire-retrieval --data-dir data --inference dns:///inference:50051 --host 0.0.0.0 \
      --port 50052 --admin-port 9090
  QUIRE_DATA_DIR=data QUIRE_INFERENCE=localhost:50051 quire-retrieval --max-document-bytes 16MiB

It starts and answers reads and lexical searches while the inference service is away; uploads and
dense searches need it.
Every option is also QUIRE_NAME in the environment and `name:` in quire.yaml.)";

constexpr std::chrono::milliseconds kSignalPoll{50};
constexpr std::chrono::seconds kProgressInterval{2};

void AddRetrievalOptions(CLI::App& app, RetrievalOptions& options) {
  app.add_option("--data-dir", options.data_dir, "Where documents are kept; created if absent")
      ->required()
      ->type_name("PATH");
  app.add_option("--max-document-bytes", options.max_document_bytes,
                 "Largest document, as 16MiB; larger ones are refused")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->capture_default_str();
  app.add_option("--max-upload-bytes", options.max_upload_bytes,
                 "Memory for the bytes of running uploads together")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->capture_default_str();
}

// Says how far the index is, now and then.
class ProgressLog {
 public:
  void operator()(std::int64_t done, std::int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + kProgressInterval;
    log::Info("index: {} of {} documents", done, total);
  }

 private:
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + kProgressInterval;
};

// Waits until the index is built. Nothing is written meanwhile, so a signal may end the process.
Status WaitForLoad(std::future<Status>& load) {
  while (load.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (WaitForTerminationSignal(kSignalPoll)) {
      log::Info("stopped while building the index");
      std::_Exit(kExitOk);
    }
  }
  return load.get();
}

Status Run(const RetrievalOptions& options, const std::string& inference,
           const ServerOptions& server_options) {
  QUIRE_ASSIGN_OR_RETURN(const auto retrieval, RetrievalServer::Create(options));
  QUIRE_ASSIGN_OR_RETURN(const auto server, Server::Start(server_options, retrieval->services()));
  log::Info("listening on {} port {}, building the index", server_options.host, server->port());
  if (server->admin_port() >= 0)
    log::Info("health and reflection on port {}", server->admin_port());
  auto load = std::async(std::launch::async,
                         [&] { return retrieval->Load(MakeChannel(inference), ProgressLog()); });
  QUIRE_RETURN_IF_ERROR(WaitForLoad(load));
  server->SetServing(true);
  log::Info("serving {}; inference at {}", options.data_dir, inference);
  WaitForTerminationSignal();
  log::Info("draining for up to {} s", server_options.drain_timeout.count());
  server->Shutdown();
  log::Info("stopped");
  return OkStatus();
}

int Main(int argc, char** argv) {
  BlockTerminationSignals();
  CLI::App app("Keeps documents and finds passages in them, over gRPC.", "quire-retrieval");
  app.footer(kExamples);
  RetrievalOptions options;
  std::string inference;
  ServerOptions server_options{.port = 50052};
  LogOptions log_options;
  AddRetrievalOptions(app, options);
  app.add_option("--inference", inference, "Address of the inference service, host:port")
      ->required()
      ->type_name("ADDR");
  AddServerOptions(app, server_options);
  AddLogOptions(app, log_options);
  EnableConfiguration(app);
  return RunProgram(app, argc, argv, [&] {
    log::Initialize(log_options.level, log_options.format == "json");
    return Run(options, inference, server_options);
  });
}

}  // namespace
}  // namespace quire::services

int main(int argc, char** argv) { return quire::services::Main(argc, argv); }
