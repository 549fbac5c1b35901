#include "services/retrieval/inference_calls.h"

#include <algorithm>
#include <chrono>

#include "services/server/channel.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

// A service that takes calls and answers none must not hold ours for ever.
constexpr std::chrono::minutes kMaxCallTime{5};

}  // namespace

std::unique_ptr<grpc::ClientContext> InferenceCalls::NewContext() const {
  auto context = MakeChildContext(parent_);
  context->set_deadline(
      std::min(parent_.deadline(), std::chrono::system_clock::now() + kMaxCallTime));
  return context;
}

Status InferenceCalls::Translate(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    parent_.AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
  }
  return Annotate(FromGrpcStatus(status), "inference service");
}

}  // namespace quire::services
