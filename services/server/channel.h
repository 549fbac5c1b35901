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
// As above, under `request_id`: RequestId(parent), kept so that all calls made for a call that came
// without one have the same.
std::unique_ptr<grpc::ClientContext> MakeChildContext(const grpc::ServerContext& parent,
                                                      const std::string& request_id);

// The x-request-id of a call, or a random one.
std::string RequestId(const grpc::ServerContext& context);

// The caller's address as gRPC writes it ("ipv4:10.0.0.7"), without the port, which differs from
// connection to connection.
std::string PeerHost(const grpc::ServerContext& context);

}  // namespace quire::services
