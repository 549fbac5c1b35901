#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/orchestrator/answer_call.h"
#include "services/orchestrator/retriever.h"

namespace quire::services {

// The documents of the retrieval service. Calls take deadline, cancellation and request id of the
// call they are made for. Thread-safe.
class GrpcRetriever final : public Retriever {
 public:
  // `call` is borrowed.
  GrpcRetriever(const std::shared_ptr<grpc::Channel>& retrieval, const AnswerCall& call);

  StatusOr<std::vector<Passage>> Search(const std::string& collection, const std::string& query,
                                        std::span<const std::string> documents,
                                        std::int32_t top_k) override;
  StatusOr<std::vector<StoredDocument>> ListDocuments(
      const std::string& collection, std::span<const std::string> documents) override;
  StatusOr<std::string> ReadText(const StoredDocument& document) override;

 private:
  StatusOr<StoredDocument> GetDocument(const std::string& name);

  const std::unique_ptr<retrieval::v1::SearchService::Stub> search_;
  const std::unique_ptr<retrieval::v1::DocumentService::Stub> documents_;
  const AnswerCall& call_;
};

}  // namespace quire::services
