#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>

#include <memory>
#include <vector>

#include "base/status.h"

namespace quire::services::cli {

// Serves to this process alone: no port, no TCP. Thread-safe.
class InProcessServer {
 public:
  // Services are borrowed and must outlive it. A service may be served elsewhere too.
  static StatusOr<std::unique_ptr<InProcessServer>> Start(
      const std::vector<grpc::Service*>& services);
  // Cancels the calls that run.
  ~InProcessServer();
  InProcessServer(const InProcessServer&) = delete;
  InProcessServer& operator=(const InProcessServer&) = delete;

  // The way to the services; its calls fail once the server is gone.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  explicit InProcessServer(std::unique_ptr<grpc::Server> server);

  const std::unique_ptr<grpc::Server> server_;
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace quire::services::cli
