#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <memory>

#include "base/status.h"

namespace quire::services {

// Calls of the inference service on behalf of one call of a client: the deadline and the
// cancellation of the client's call end them too, and no single one lasts longer than five minutes.
//
// The channel tries again when the service is away, so the client's channel must not, or the two
// multiply: UNAVAILABLE from here sets grpc-retry-pushback-ms to "never" in the client's call.
// Thread-compatible.
class InferenceCalls {
 public:
  explicit InferenceCalls(grpc::ServerContext& parent) : parent_(parent) {}

  std::unique_ptr<grpc::ClientContext> NewContext() const;
  // The status of a call, with the name of the service before its message.
  Status Translate(const grpc::Status& status);

 private:
  grpc::ServerContext& parent_;
};

}  // namespace quire::services
