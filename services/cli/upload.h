#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/document_files.h"
#include "services/cli/session.h"

namespace quire::services::cli {

// Stores `document` in `collection` in chunks with checksums. When it returns, the document is
// durable and searchable.
StatusOr<retrieval::v1::UploadDocumentResponse> UploadDocument(
    Session& session, retrieval::v1::DocumentService::Stub& stub, const std::string& collection,
    const LocalDocument& document);

// A collection of one task, deleted with its documents at the end of the scope.
class TemporaryCollection {
 public:
  // Creates it under a random name with the default embedding model of `channel`'s service, or the
  // one named.
  static StatusOr<std::unique_ptr<TemporaryCollection>> Create(
      Session& session, const std::shared_ptr<grpc::Channel>& channel,
      const std::string& embedding_model);
  ~TemporaryCollection();
  TemporaryCollection(const TemporaryCollection&) = delete;
  TemporaryCollection& operator=(const TemporaryCollection&) = delete;

  const std::string& id() const { return id_; }

 private:
  TemporaryCollection(const std::shared_ptr<grpc::Channel>& channel, std::string id);

  const std::unique_ptr<retrieval::v1::CollectionService::Stub> stub_;
  const std::string id_;
};

}  // namespace quire::services::cli
