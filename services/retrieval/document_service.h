#pragma once

#include <cstdint>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/retrieval/library_host.h"
#include "services/retrieval/upload_budget.h"

namespace quire::services {

// quire.retrieval.v1.DocumentService over a library. Thread-safe.
class DocumentService final : public retrieval::v1::DocumentService::Service {
 public:
  // Borrows `host`. The limits are those of RetrievalOptions.
  DocumentService(LibraryHost& host, std::int64_t max_document_bytes, std::int64_t max_upload_bytes)
      : host_(host), max_document_bytes_(max_document_bytes), budget_(max_upload_bytes) {}

  grpc::Status UploadDocument(grpc::ServerContext* context,
                              grpc::ServerReader<retrieval::v1::UploadDocumentRequest>* reader,
                              retrieval::v1::UploadDocumentResponse* response) override;
  grpc::Status GetDocument(grpc::ServerContext* context,
                           const retrieval::v1::GetDocumentRequest* request,
                           retrieval::v1::GetDocumentResponse* response) override;
  grpc::Status ListDocuments(grpc::ServerContext* context,
                             const retrieval::v1::ListDocumentsRequest* request,
                             retrieval::v1::ListDocumentsResponse* response) override;
  grpc::Status DeleteDocument(grpc::ServerContext* context,
                              const retrieval::v1::DeleteDocumentRequest* request,
                              retrieval::v1::DeleteDocumentResponse* response) override;
  grpc::Status ReadDocumentText(grpc::ServerContext* context,
                                const retrieval::v1::ReadDocumentTextRequest* request,
                                retrieval::v1::ReadDocumentTextResponse* response) override;
  grpc::Status ListChunks(grpc::ServerContext* context,
                          const retrieval::v1::ListChunksRequest* request,
                          retrieval::v1::ListChunksResponse* response) override;

 private:
  Status Upload(grpc::ServerContext& context,
                grpc::ServerReader<retrieval::v1::UploadDocumentRequest>& reader,
                retrieval::v1::UploadDocumentResponse& response, std::string& parent);

  LibraryHost& host_;
  const std::int64_t max_document_bytes_;
  UploadBudget budget_;
};

}  // namespace quire::services
