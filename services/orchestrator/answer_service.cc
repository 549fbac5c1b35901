#include "services/orchestrator/answer_service.h"

#include <chrono>
#include <utility>

#include "services/orchestrator/answer_request.h"
#include "services/orchestrator/strategies/task_runner.h"
#include "services/server/channel.h"
#include "services/server/grpc_status.h"

namespace quire::services {

namespace pb = orchestrator::v1;

grpc::Status AnswerService::Ask(grpc::ServerContext* context, const pb::AskRequest* request,
                                pb::AskResponse* response) {
  return Reply(*context, *request, *response);
}

grpc::Status AnswerService::StreamAsk(grpc::ServerContext* context, const pb::AskRequest* request,
                                      grpc::ServerWriter<pb::StreamAskResponse>* writer) {
  return Stream(*context, *request, *writer);
}

grpc::Status AnswerService::Summarize(grpc::ServerContext* context,
                                      const pb::SummarizeRequest* request,
                                      pb::SummarizeResponse* response) {
  return Reply(*context, *request, *response);
}

grpc::Status AnswerService::StreamSummarize(
    grpc::ServerContext* context, const pb::SummarizeRequest* request,
    grpc::ServerWriter<pb::StreamSummarizeResponse>* writer) {
  return Stream(*context, *request, *writer);
}

template <typename Request>
StatusOr<pb::Answer> AnswerService::Run(const grpc::ServerContext& context, const Request& request,
                                        EventSink sink) const {
  QUIRE_ASSIGN_OR_RETURN(const AnswerTask task, ToTask(request));
  const AnswerCall call = {
      .context = context, .request_id = RequestId(context), .client = PeerHost(context)};
  QUIRE_ASSIGN_OR_RETURN(const AnswerPeers peers, peers_(call, request.model()));
  if (!task.collection.empty() && peers.retriever == nullptr) {
    return FailedPrecondition(
        "sources.collection: wanted a retrieval service, have none: send inline documents");
  }
  return RunTask(task, {.model = *peers.model,
                        .retriever = peers.retriever.get(),
                        .request_id = call.request_id,
                        .sink = std::move(sink),
                        .clock = std::chrono::steady_clock::now});
}

template <typename Request, typename Response>
grpc::Status AnswerService::Reply(const grpc::ServerContext& context, const Request& request,
                                  Response& response) const {
  const auto sink = [&](const pb::AnswerEvent&) { return !context.IsCancelled(); };
  StatusOr<pb::Answer> answer = Run(context, request, sink);
  if (!answer.ok()) return ToGrpcStatus(answer.status());
  *response.mutable_answer() = *std::move(answer);
  return grpc::Status::OK;
}

template <typename Request, typename Response>
grpc::Status AnswerService::Stream(const grpc::ServerContext& context, const Request& request,
                                   grpc::ServerWriter<Response>& writer) const {
  const auto sink = [&](const pb::AnswerEvent& event) {
    Response response;
    *response.mutable_event() = event;
    return !context.IsCancelled() && writer.Write(response);
  };
  return ToGrpcStatus(Run(context, request, sink).status());
}

}  // namespace quire::services
