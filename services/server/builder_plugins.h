#pragma once

#include <grpcpp/server_builder.h>

#include <string>
#include <vector>

namespace quire::services {

// Serves the grpc.reflection of `described`'s services on `host` instead of on `described`. Call
// before either is built; build `described` first, and destroy its server last.
void MoveReflection(grpc::ServerBuilder& described, grpc::ServerBuilder& host);

// Fills `names` with the full names of the builder's services ("package.Service") when it is
// built. `names` must outlive the builder.
void RecordServiceNames(grpc::ServerBuilder& builder, std::vector<std::string>& names);

}  // namespace quire::services
