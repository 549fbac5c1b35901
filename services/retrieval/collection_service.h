#pragma once

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/retrieval/library_host.h"

namespace quire::services {

// quire.retrieval.v1.CollectionService over a library. Thread-safe.
class CollectionService final : public retrieval::v1::CollectionService::Service {
 public:
  // Borrows `host`.
  explicit CollectionService(LibraryHost& host) : host_(host) {}

  grpc::Status CreateCollection(grpc::ServerContext* context,
                                const retrieval::v1::CreateCollectionRequest* request,
                                retrieval::v1::CreateCollectionResponse* response) override;
  grpc::Status GetCollection(grpc::ServerContext* context,
                             const retrieval::v1::GetCollectionRequest* request,
                             retrieval::v1::GetCollectionResponse* response) override;
  grpc::Status ListCollections(grpc::ServerContext* context,
                               const retrieval::v1::ListCollectionsRequest* request,
                               retrieval::v1::ListCollectionsResponse* response) override;
  grpc::Status DeleteCollection(grpc::ServerContext* context,
                                const retrieval::v1::DeleteCollectionRequest* request,
                                retrieval::v1::DeleteCollectionResponse* response) override;

 private:
  LibraryHost& host_;
};

}  // namespace quire::services
