#include "services/orchestrator/orchestrator_server.h"

#include <mutex>
#include <utility>

#include "services/orchestrator/answer_service.h"
#include "services/orchestrator/grpc_language_model.h"
#include "services/orchestrator/grpc_retriever.h"

namespace quire::services {
namespace {

class AnswerHost final : public OrchestratorServer {
 public:
  AnswerHost()
      : service_([this](const AnswerCall& call, const std::string& model) {
          return MakePeers(call, model);
        }) {}

  std::vector<grpc::Service*> services() override { return {&service_}; }

  void Connect(OrchestratorChannels channels) override {
    const std::lock_guard lock(mutex_);
    channels_ = std::move(channels);
  }

 private:
  StatusOr<AnswerPeers> MakePeers(const AnswerCall& call, const std::string& model) {
    const std::lock_guard lock(mutex_);
    if (channels_.inference == nullptr) {
      return Unavailable("orchestrator: not connected to the inference service yet");
    }
    AnswerPeers peers;
    peers.model = std::make_unique<GrpcLanguageModel>(channels_.inference, call, model);
    if (channels_.retrieval != nullptr) {
      peers.retriever = std::make_unique<GrpcRetriever>(channels_.retrieval, call);
    }
    return peers;
  }

  std::mutex mutex_;
  OrchestratorChannels channels_;  // guarded by mutex_
  AnswerService service_;
};

}  // namespace

std::unique_ptr<OrchestratorServer> OrchestratorServer::Create() {
  return std::make_unique<AnswerHost>();
}

}  // namespace quire::services
