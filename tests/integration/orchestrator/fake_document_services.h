#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"

namespace quire::testing {

// One document of a collection, read in small pieces. Its version may change while it is read.
class FakeDocumentService final : public retrieval::v1::DocumentService::Service {
 public:
  static constexpr const char* kName = "collections/c/documents/a";

  std::string text = "Leave is 30 days. Notice is two weeks.";
  std::int64_t version = 3;
  std::int64_t bytes_per_read = 1 << 20;
  int reads_until_replaced = -1;  // then the version grows

  grpc::Status GetDocument(grpc::ServerContext*, const retrieval::v1::GetDocumentRequest* request,
                           retrieval::v1::GetDocumentResponse* response) override {
    if (request->name() != kName) return {grpc::StatusCode::NOT_FOUND, request->name()};
    *response->mutable_document() = Describe();
    return grpc::Status::OK;
  }

  // Two pages, the second one empty.
  grpc::Status ListDocuments(grpc::ServerContext*,
                             const retrieval::v1::ListDocumentsRequest* request,
                             retrieval::v1::ListDocumentsResponse* response) override {
    if (request->page_token().empty()) {
      *response->add_documents() = Describe();
      response->set_next_page_token("more");
    }
    return grpc::Status::OK;
  }

  grpc::Status ReadDocumentText(grpc::ServerContext*,
                                const retrieval::v1::ReadDocumentTextRequest* request,
                                retrieval::v1::ReadDocumentTextResponse* response) override {
    if (reads_until_replaced-- == 0) ++version;
    const auto offset = static_cast<std::size_t>(request->offset());
    response->set_text(
        text.substr(offset, static_cast<std::size_t>(std::min(request->limit(), bytes_per_read))));
    response->set_text_bytes(static_cast<std::int64_t>(text.size()));
    response->set_version(version);
    return grpc::Status::OK;
  }

 private:
  retrieval::v1::Document Describe() const {
    retrieval::v1::Document document;
    document.set_name(kName);
    document.set_title("Handbook");
    document.set_version(version);
    document.set_text_bytes(static_cast<std::int64_t>(text.size()));
    return document;
  }
};

// Finds the first sentence of FakeDocumentService's document.
class FakeSearchService final : public retrieval::v1::SearchService::Service {
 public:
  retrieval::v1::SearchRequest last_request;

  grpc::Status Search(grpc::ServerContext*, const retrieval::v1::SearchRequest* request,
                      retrieval::v1::SearchResponse* response) override {
    last_request = *request;
    auto& hit = *response->add_hits();
    hit.set_document(FakeDocumentService::kName);
    hit.set_title("Handbook");
    hit.set_version(3);
    hit.mutable_chunk()->set_start(0);
    hit.mutable_chunk()->set_end(17);
    hit.mutable_chunk()->set_text("Leave is 30 days.");
    hit.mutable_chunk()->add_headings("Leave");
    return grpc::Status::OK;
  }
};

}  // namespace quire::testing
