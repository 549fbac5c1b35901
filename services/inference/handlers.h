#pragma once

#include <functional>

#include "base/status.h"
#include "quire/inference/v1/inference.pb.h"
#include "services/inference/call.h"
#include "services/inference/model_registry.h"

// The RPCs of InferenceService as plain functions, one file per topic: validate, ask the engine,
// fill the response. Behaviour and errors are those of the proto. Thread-safe.

namespace quire::services {

// Sends one message; false means that nobody reads any more.
template <typename Response>
using ResponseWriter = std::function<bool(const Response&)>;

// generate.cc
Status Generate(const InferenceCall& call, const ModelRegistry& models,
                const inference::v1::GenerateRequest& request,
                inference::v1::GenerateResponse& response);
Status StreamGenerate(const InferenceCall& call, const ModelRegistry& models,
                      const inference::v1::GenerateRequest& request,
                      const ResponseWriter<inference::v1::StreamGenerateResponse>& writer);

// chat.cc
Status Chat(const InferenceCall& call, const ModelRegistry& models,
            const inference::v1::ChatRequest& request, inference::v1::ChatResponse& response);
Status StreamChat(const InferenceCall& call, const ModelRegistry& models,
                  const inference::v1::ChatRequest& request,
                  const ResponseWriter<inference::v1::StreamChatResponse>& writer);
Status RenderPrompt(const InferenceCall& call, const ModelRegistry& models,
                    const inference::v1::RenderPromptRequest& request,
                    inference::v1::RenderPromptResponse& response);

// scheduling.cc
Status CancelGroup(const InferenceCall& call, const ModelRegistry& models,
                   const inference::v1::CancelGroupRequest& request);

// tokenize.cc
Status Tokenize(const ModelRegistry& models, const inference::v1::TokenizeRequest& request,
                inference::v1::TokenizeResponse& response);
Status Detokenize(const ModelRegistry& models, const inference::v1::DetokenizeRequest& request,
                  inference::v1::DetokenizeResponse& response);
Status CountTokens(const InferenceCall& call, const ModelRegistry& models,
                   const inference::v1::CountTokensRequest& request,
                   inference::v1::CountTokensResponse& response);

// embed.cc
Status Embed(const InferenceCall& call, const ModelRegistry& models,
             const inference::v1::EmbedRequest& request, inference::v1::EmbedResponse& response);

// rerank.cc
Status Rerank(const InferenceCall& call, const ModelRegistry& models,
              const inference::v1::RerankRequest& request, inference::v1::RerankResponse& response);

// score.cc
Status Score(const InferenceCall& call, const ModelRegistry& models,
             const inference::v1::ScoreRequest& request, inference::v1::ScoreResponse& response);

// models.cc
Status ListModels(const ModelRegistry& models, const inference::v1::ListModelsRequest& request,
                  inference::v1::ListModelsResponse& response);
Status GetModel(const ModelRegistry& models, const inference::v1::GetModelRequest& request,
                inference::v1::GetModelResponse& response);
Status GetServerInfo(const ModelRegistry& models, inference::v1::GetServerInfoResponse& response);

}  // namespace quire::services
