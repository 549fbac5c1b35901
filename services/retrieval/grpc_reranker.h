#pragma once

#include <grpcpp/server_context.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/retrieval/inference_calls.h"

namespace quire::services {

// Scores texts for a query with the inference service's reranking model, on behalf of one call.
class GrpcReranker final {
 public:
  // Both are borrowed.
  GrpcReranker(inference::v1::InferenceService::StubInterface& stub, grpc::ServerContext& parent)
      : stub_(stub), calls_(parent) {}

  // A score per text, in order; more is better. `model` may be empty. Returns NOT_FOUND or
  // FAILED_PRECONDITION if there is no such model, INVALID_ARGUMENT if the query is too long for
  // it, else as retrieval::Embedder.
  StatusOr<std::vector<double>> Rerank(const std::string& model, const std::string& query,
                                       std::span<const std::string_view> texts);

 private:
  inference::v1::InferenceService::StubInterface& stub_;
  InferenceCalls calls_;
};

}  // namespace quire::services
