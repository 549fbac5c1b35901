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

namespace quire::services {

// Embedder over the inference service, on behalf of one call: the deadline and the cancellation of
// `parent` end its calls too, and no single one lasts longer than five minutes. Splits any number
// of texts into requests of 64 texts to embed, or 16,384 to count.
//
// The channel tries again when the service is away, so the client's channel must not, or the two
// multiply: UNAVAILABLE from here sets grpc-retry-pushback-ms to "never" in `parent`.
class GrpcEmbedder final : public retrieval::Embedder {
 public:
  // Both are borrowed.
  GrpcEmbedder(inference::v1::InferenceService::StubInterface& stub, grpc::ServerContext& parent)
      : stub_(stub), parent_(parent) {}

  StatusOr<retrieval::EmbeddingModel> Describe(const std::string& model) override;
  StatusOr<std::vector<std::int32_t>> CountTokens(const std::string& model,
                                                  std::span<const std::string_view> texts) override;
  StatusOr<Result> Embed(const std::string& model, std::span<const std::string_view> texts,
                         InputType type) override;

 private:
  // The status of a call, with the name of the service before its message.
  Status FromInference(const grpc::Status& status);
  StatusOr<std::int32_t> NumSpecialTokens(const std::string& model);
  StatusOr<inference::v1::EmbedResponse> EmbedBatch(const std::string& model,
                                                    std::span<const std::string_view> texts,
                                                    InputType type);

  inference::v1::InferenceService::StubInterface& stub_;
  grpc::ServerContext& parent_;
};

}  // namespace quire::services
