#pragma once

#include <grpcpp/support/status.h>

#include "base/status.h"

namespace quire::services {

// The one place where a Status becomes an RPC error. Payloads become google.rpc details in
// grpc-status-details-bin. INTERNAL and UNKNOWN lose their message on the wire and keep it in the
// log.
grpc::Status ToGrpcStatus(const Status& status);

// The reverse, for clients: details come back as payloads.
Status FromGrpcStatus(const grpc::Status& status);

}  // namespace quire::services
