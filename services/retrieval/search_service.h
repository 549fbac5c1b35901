#pragma once

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/retrieval/library_host.h"

namespace quire::services {

// quire.retrieval.v1.SearchService over a library. Thread-safe.
class SearchService final : public retrieval::v1::SearchService::Service {
 public:
  // Borrows `host`.
  explicit SearchService(LibraryHost& host) : host_(host) {}

  grpc::Status Search(grpc::ServerContext* context, const retrieval::v1::SearchRequest* request,
                      retrieval::v1::SearchResponse* response) override;

 private:
  LibraryHost& host_;
};

}  // namespace quire::services
