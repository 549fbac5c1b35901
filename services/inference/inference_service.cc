#include "services/inference/inference_service.h"

#include <new>
#include <random>

#include "services/inference/handlers.h"
#include "services/server/channel.h"
#include "services/server/error_details.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

using grpc::ServerContext;
using grpc::ServerWriter;

constexpr std::chrono::milliseconds kLoadingRetryDelay{1000};

std::uint64_t RandomSeed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

// gRPC's deadline is a point of the system clock; what is left of it holds on the steady one.
std::optional<std::chrono::steady_clock::time_point> Deadline(const ServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
  return std::chrono::steady_clock::now() + (deadline - std::chrono::system_clock::now());
}

InferenceCall MakeCall(ServerContext& context) {
  InferenceCall call;
  call.request_id = RequestId(context);
  call.peer = PeerHost(context);
  call.is_cancelled = [&context] { return context.IsCancelled(); };
  call.deadline = Deadline(context);
  call.random_seed = RandomSeed;
  call.now_seconds = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  context.AddInitialMetadata("x-request-id", call.request_id);
  return call;
}

Status Loading() {
  return WithRetryInfo(
      WithErrorInfo(Unavailable("server: the models are still loading"), kModelLoading, {}),
      kLoadingRetryDelay);
}

// Runs `handler` on the models, if they are there.
template <typename Handler>
grpc::Status Answer(const ModelRegistry* models, const Handler& handler) {
  if (models == nullptr) return ToGrpcStatus(Loading());
  try {
    return ToGrpcStatus(handler(*models));
  } catch (const std::bad_alloc&) {
    return ToGrpcStatus(ResourceExhausted("memory: the request takes more than there is"));
  }
}

template <typename Response>
ResponseWriter<Response> WriterTo(ServerWriter<Response>& writer) {
  return [&writer](const Response& response) { return writer.Write(response); };
}

}  // namespace

grpc::Status InferenceServiceImpl::Generate(ServerContext* context,
                                            const inference::v1::GenerateRequest* request,
                                            inference::v1::GenerateResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Generate(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::StreamGenerate(
    ServerContext* context, const inference::v1::GenerateRequest* request,
    ServerWriter<inference::v1::StreamGenerateResponse>* writer) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::StreamGenerate(MakeCall(*context), models, *request, WriterTo(*writer));
  });
}

grpc::Status InferenceServiceImpl::Chat(ServerContext* context,
                                        const inference::v1::ChatRequest* request,
                                        inference::v1::ChatResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Chat(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::StreamChat(
    ServerContext* context, const inference::v1::ChatRequest* request,
    ServerWriter<inference::v1::StreamChatResponse>* writer) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::StreamChat(MakeCall(*context), models, *request, WriterTo(*writer));
  });
}

grpc::Status InferenceServiceImpl::CancelGroup(ServerContext* context,
                                               const inference::v1::CancelGroupRequest* request,
                                               inference::v1::CancelGroupResponse*) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::CancelGroup(MakeCall(*context), models, *request);
  });
}

grpc::Status InferenceServiceImpl::RenderPrompt(ServerContext* context,
                                                const inference::v1::RenderPromptRequest* request,
                                                inference::v1::RenderPromptResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::RenderPrompt(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::Tokenize(ServerContext*,
                                            const inference::v1::TokenizeRequest* request,
                                            inference::v1::TokenizeResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Tokenize(models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::Detokenize(ServerContext*,
                                              const inference::v1::DetokenizeRequest* request,
                                              inference::v1::DetokenizeResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Detokenize(models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::CountTokens(ServerContext* context,
                                               const inference::v1::CountTokensRequest* request,
                                               inference::v1::CountTokensResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::CountTokens(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::Embed(ServerContext* context,
                                         const inference::v1::EmbedRequest* request,
                                         inference::v1::EmbedResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Embed(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::Rerank(ServerContext* context,
                                          const inference::v1::RerankRequest* request,
                                          inference::v1::RerankResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Rerank(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::Score(ServerContext* context,
                                         const inference::v1::ScoreRequest* request,
                                         inference::v1::ScoreResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::Score(MakeCall(*context), models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::ListModels(ServerContext*,
                                              const inference::v1::ListModelsRequest* request,
                                              inference::v1::ListModelsResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::ListModels(models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::GetModel(ServerContext*,
                                            const inference::v1::GetModelRequest* request,
                                            inference::v1::GetModelResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::GetModel(models, *request, *response);
  });
}

grpc::Status InferenceServiceImpl::GetServerInfo(ServerContext*,
                                                 const inference::v1::GetServerInfoRequest*,
                                                 inference::v1::GetServerInfoResponse* response) {
  return Answer(models_, [&](const ModelRegistry& models) {
    return services::GetServerInfo(models, *response);
  });
}

}  // namespace quire::services
