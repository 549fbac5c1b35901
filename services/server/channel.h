#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <string>

namespace quire::services {

// A channel to another service, plain text: keepalive, round robin over all addresses of the name,
// retries of UNAVAILABLE. `address` is "host:port" or a gRPC target.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// A client context for a call made on behalf of `parent`: its deadline and cancellation carry
// over, and so do x-request-id and traceparent.
std::unique_ptr<grpc::ClientContext> MakeChildContext(const grpc::ServerContext& parent);

// The x-request-id of a call, or a random one.
std::string RequestId(const grpc::ServerContext& context);

}  // namespace quire::services
