#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>

#include <memory>
#include <vector>

namespace quire::services {

// The services that AnswerService calls.
struct OrchestratorChannels {
  std::shared_ptr<grpc::Channel> inference;  // required
  // Null: only inline documents can be read; a request that names a collection is
  // FAILED_PRECONDITION.
  std::shared_ptr<grpc::Channel> retrieval;
};

// Hosts AnswerService over the other two services: what quire-orchestrator, `quire serve` and
// `quire ask` run. In order: Create, Server::Start(services()), Connect, Server::SetServing(true);
// at the end Server::Shutdown, then the destructor. Holds no state between calls. Thread-safe.
class OrchestratorServer {
 public:
  static std::unique_ptr<OrchestratorServer> Create();
  virtual ~OrchestratorServer() = default;

  // Borrowed. Until Connect their calls are UNAVAILABLE.
  virtual std::vector<grpc::Service*> services() = 0;

  // Sets the peers for the calls that start from now on. They may be away, or, in one process, be
  // channels to the server that serves services(): nothing is called on them here.
  virtual void Connect(OrchestratorChannels channels) = 0;
};

}  // namespace quire::services
