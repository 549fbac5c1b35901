#include "services/cli/in_process_server.h"

#include <grpcpp/server_builder.h>

#include <chrono>

namespace quire::services::cli {
namespace {

// Messages stay in this process, so the limits that protect a port do not apply.
grpc::ChannelArguments UnlimitedMessages() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  return arguments;
}

}  // namespace

StatusOr<std::unique_ptr<InProcessServer>> InProcessServer::Start(
    const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(-1);
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto server = builder.BuildAndStart();
  if (server == nullptr) return Internal("in-process server: gRPC refused to start it");
  return std::unique_ptr<InProcessServer>(new InProcessServer(std::move(server)));
}

InProcessServer::InProcessServer(std::unique_ptr<grpc::Server> server)
    : server_(std::move(server)), channel_(server_->InProcessChannel(UnlimitedMessages())) {}

InProcessServer::~InProcessServer() { server_->Shutdown(std::chrono::system_clock::now()); }

}  // namespace quire::services::cli
