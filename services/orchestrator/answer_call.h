#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace quire::services {

// A call of AnswerService, on whose behalf others are made.
struct AnswerCall {
  const grpc::ServerContext& context;  // borrowed: deadline, cancellation
  std::string request_id;              // of the call and of those made for it
  std::string client;                  // whose share of the engine the calls take
};

}  // namespace quire::services
