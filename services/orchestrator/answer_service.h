#pragma once

#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <string>

#include "quire/orchestrator/v1/orchestrator.grpc.pb.h"
#include "services/orchestrator/answer_call.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/retriever.h"
#include "services/orchestrator/strategies/answer_task.h"
#include "services/orchestrator/strategies/event_writer.h"

namespace quire::services {

// The model and the documents of one call.
struct AnswerPeers {
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Retriever> retriever;  // null: inline documents only
};

// AnswerService: checks requests, runs tasks, writes events. Each call runs on its gRPC thread.
// Thread-safe.
class AnswerService final : public orchestrator::v1::AnswerService::Service {
 public:
  // Makes the peers of a call, which outlives them, for the model that the request names. Called on
  // many threads.
  using PeerFactory =
      std::function<StatusOr<AnswerPeers>(const AnswerCall& call, const std::string& model)>;

  explicit AnswerService(PeerFactory peers) : peers_(std::move(peers)) {}

  grpc::Status Ask(grpc::ServerContext* context, const orchestrator::v1::AskRequest* request,
                   orchestrator::v1::AskResponse* response) override;
  grpc::Status StreamAsk(grpc::ServerContext* context, const orchestrator::v1::AskRequest* request,
                         grpc::ServerWriter<orchestrator::v1::StreamAskResponse>* writer) override;
  grpc::Status Summarize(grpc::ServerContext* context,
                         const orchestrator::v1::SummarizeRequest* request,
                         orchestrator::v1::SummarizeResponse* response) override;
  grpc::Status StreamSummarize(
      grpc::ServerContext* context, const orchestrator::v1::SummarizeRequest* request,
      grpc::ServerWriter<orchestrator::v1::StreamSummarizeResponse>* writer) override;

 private:
  template <typename Request>
  StatusOr<orchestrator::v1::Answer> Run(const grpc::ServerContext& context, const Request& request,
                                         EventSink sink) const;
  template <typename Request, typename Response>
  grpc::Status Reply(const grpc::ServerContext& context, const Request& request,
                     Response& response) const;
  template <typename Request, typename Response>
  grpc::Status Stream(const grpc::ServerContext& context, const Request& request,
                      grpc::ServerWriter<Response>& writer) const;

  const PeerFactory peers_;
};

}  // namespace quire::services
