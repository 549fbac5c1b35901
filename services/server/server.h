#pragma once

#include <grpcpp/impl/service_type.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace quire::services {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::int32_t port = 0;  // 0: the system chooses; Server::port() tells
  // Health, reflection and metrics-free liveness in plain text for probes; -1: no admin port, the
  // main port serves them.
  std::int32_t admin_port = -1;
  std::chrono::seconds drain_timeout{30};  // for running calls after Shutdown
  std::int32_t max_threads = 128;          // calls served at once
};

// The gRPC server shell that all services share: limits, keepalive, health (grpc.health.v1 with
// "", each service's full name and "liveness"), reflection, drain. Thread-safe.
class Server {
 public:
  // Starts to listen. Services are borrowed and must outlive the server. Health says SERVING for
  // "liveness" at once and for the rest after SetServing(true). Returns UNAVAILABLE naming the
  // address if it cannot be bound.
  static StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                 const std::vector<grpc::Service*>& services);
  virtual ~Server() = default;

  virtual void SetServing(bool serving) = 0;
  virtual std::int32_t port() const = 0;
  virtual std::int32_t admin_port() const = 0;  // -1 if there is none
  // Health turns NOT_SERVING, no new calls, running ones finish or are cancelled after
  // drain_timeout. Blocks until done. Idempotent.
  virtual void Shutdown() = 0;
  // Blocks until Shutdown is done.
  virtual void Wait() = 0;
};

// Blocks SIGINT and SIGTERM in the calling thread and those it starts later. Call first in main.
void BlockTerminationSignals();
// Waits for SIGINT or SIGTERM. Returns the signal's number. A second signal ends the process at
// once.
int WaitForTerminationSignal();
// As above, but returns nothing if no signal comes within `timeout`.
std::optional<int> WaitForTerminationSignal(std::chrono::milliseconds timeout);
// As above, but also returns when `health`, asked ten times a second, is an error, with that error;
// OK if a signal came.
Status WaitForTerminationSignalOrFailure(const std::function<Status()>& health);

}  // namespace quire::services
