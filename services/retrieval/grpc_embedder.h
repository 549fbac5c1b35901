#pragma once

#include <grpcpp/server_context.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "retrieval/embedding/embedder.h"
#include "services/retrieval/inference_calls.h"

namespace quire::services {

// Embedder over the inference service, on behalf of one call. Splits any number of texts into
// requests of 64 texts to embed, or 16,384 to count.
class GrpcEmbedder final : public retrieval::Embedder {
 public:
  // Both are borrowed.
  GrpcEmbedder(inference::v1::InferenceService::StubInterface& stub, grpc::ServerContext& parent)
      : stub_(stub), calls_(parent) {}

  StatusOr<retrieval::EmbeddingModel> Describe(const std::string& model) override;
  StatusOr<std::vector<std::int32_t>> CountTokens(const std::string& model,
                                                  std::span<const std::string_view> texts) override;
  StatusOr<Result> Embed(const std::string& model, std::span<const std::string_view> texts,
                         InputType type) override;

 private:
  StatusOr<std::int32_t> NumSpecialTokens(const std::string& model);
  StatusOr<inference::v1::EmbedResponse> EmbedBatch(const std::string& model,
                                                    std::span<const std::string_view> texts,
                                                    InputType type);

  inference::v1::InferenceService::StubInterface& stub_;
  InferenceCalls calls_;
};

}  // namespace quire::services
