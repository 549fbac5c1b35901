#pragma once

#include <atomic>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/inference/model_registry.h"

namespace quire::services {

// InferenceService over gRPC's synchronous API: a thread per running call, which hands the work to
// the handlers and turns their Status into gRPC's.
//
// Thread-safe.
class InferenceServiceImpl final : public inference::v1::InferenceService::Service {
 public:
  // Serves `models` from now on; before, every call is UNAVAILABLE with RetryInfo. `models` must
  // outlive the calls. Call once.
  void Serve(const ModelRegistry& models) { models_ = &models; }

  grpc::Status Generate(grpc::ServerContext* context, const inference::v1::GenerateRequest* request,
                        inference::v1::GenerateResponse* response) override;
  grpc::Status StreamGenerate(
      grpc::ServerContext* context, const inference::v1::GenerateRequest* request,
      grpc::ServerWriter<inference::v1::StreamGenerateResponse>* writer) override;
  grpc::Status Chat(grpc::ServerContext* context, const inference::v1::ChatRequest* request,
                    inference::v1::ChatResponse* response) override;
  grpc::Status StreamChat(grpc::ServerContext* context, const inference::v1::ChatRequest* request,
                          grpc::ServerWriter<inference::v1::StreamChatResponse>* writer) override;
  grpc::Status CancelGroup(grpc::ServerContext* context,
                           const inference::v1::CancelGroupRequest* request,
                           inference::v1::CancelGroupResponse* response) override;
  grpc::Status RenderPrompt(grpc::ServerContext* context,
                            const inference::v1::RenderPromptRequest* request,
                            inference::v1::RenderPromptResponse* response) override;
  grpc::Status Tokenize(grpc::ServerContext* context, const inference::v1::TokenizeRequest* request,
                        inference::v1::TokenizeResponse* response) override;
  grpc::Status Detokenize(grpc::ServerContext* context,
                          const inference::v1::DetokenizeRequest* request,
                          inference::v1::DetokenizeResponse* response) override;
  grpc::Status CountTokens(grpc::ServerContext* context,
                           const inference::v1::CountTokensRequest* request,
                           inference::v1::CountTokensResponse* response) override;
  grpc::Status Embed(grpc::ServerContext* context, const inference::v1::EmbedRequest* request,
                     inference::v1::EmbedResponse* response) override;
  grpc::Status Rerank(grpc::ServerContext* context, const inference::v1::RerankRequest* request,
                      inference::v1::RerankResponse* response) override;
  grpc::Status Score(grpc::ServerContext* context, const inference::v1::ScoreRequest* request,
                     inference::v1::ScoreResponse* response) override;
  grpc::Status ListModels(grpc::ServerContext* context,
                          const inference::v1::ListModelsRequest* request,
                          inference::v1::ListModelsResponse* response) override;
  grpc::Status GetModel(grpc::ServerContext* context, const inference::v1::GetModelRequest* request,
                        inference::v1::GetModelResponse* response) override;
  grpc::Status GetServerInfo(grpc::ServerContext* context,
                             const inference::v1::GetServerInfoRequest* request,
                             inference::v1::GetServerInfoResponse* response) override;

 private:
  std::atomic<const ModelRegistry*> models_ = nullptr;
};

}  // namespace quire::services
