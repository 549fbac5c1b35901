#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/retrieval/retrieval_server.h"
#include "services/server/channel.h"
#include "services/server/grpc_status.h"
#include "services/server/server.h"
#include "tests/support/fake_inference_service.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/upload_messages.h"

namespace quire::testing {

// The retrieval service on a port of the loopback, on a fresh data directory, with a fake inference
// service on another.
class RetrievalTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    services::RetrievalOptions options = options_;
    options.data_dir = DataDir();
    auto host = services::RetrievalServer::Create(options);
    ASSERT_THAT(host, IsOk());
    host_ = *std::move(host);
    auto server = services::Server::Start({}, host_->services());
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    channel_ = services::MakeChannel("127.0.0.1:" + std::to_string(server_->port()));
    collections_ = retrieval::v1::CollectionService::NewStub(channel_);
    documents_ = retrieval::v1::DocumentService::NewStub(channel_);
    search_ = retrieval::v1::SearchService::NewStub(channel_);
    if (load_) Load();
  }
  void Load() {
    ASSERT_THAT(host_->Load(services::MakeChannel(inference_server_.address()), {}), IsOk());
    server_->SetServing(true);
  }
  void Restart() {
    server_->Shutdown();
    server_.reset();
    host_.reset();
    Start();
  }
  std::string DataDir() const { return (folder_.path() / "data").string(); }

  // Calls a method of a stub: the reply, or the status with its details.
  template <typename Stub, typename Request, typename Response>
  StatusOr<Response> Call(Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request) {
    grpc::ClientContext context;
    Response response;
    const Status status = services::FromGrpcStatus((stub.*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  StatusOr<retrieval::v1::CreateCollectionResponse> Create(const std::string& id,
                                                           std::int32_t chunk_tokens = 8) {
    retrieval::v1::CreateCollectionRequest request;
    request.set_collection_id(id);
    request.mutable_collection()->mutable_chunking()->set_chunk_tokens(chunk_tokens);
    return Call(*collections_, &retrieval::v1::CollectionService::Stub::CreateCollection, request);
  }

  // Sends the messages as they are and ends the stream.
  StatusOr<retrieval::v1::UploadDocumentResponse> Send(
      const std::vector<retrieval::v1::UploadDocumentRequest>& messages) {
    grpc::ClientContext context;
    retrieval::v1::UploadDocumentResponse response;
    const auto writer = documents_->UploadDocument(&context, &response);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    const Status status = services::FromGrpcStatus(writer->Finish());
    if (!status.ok()) return status;
    return response;
  }
  StatusOr<retrieval::v1::UploadDocumentResponse> Upload(const std::string& collection,
                                                         const std::string& id,
                                                         const std::string& text) {
    constexpr std::size_t kChunkBytes = 256 << 10;
    std::vector<retrieval::v1::UploadDocumentRequest> messages = {UploadHeader(collection, id)};
    for (std::size_t offset = 0; offset < text.size(); offset += kChunkBytes) {
      messages.push_back(
          UploadChunk(static_cast<std::int64_t>(offset), text.substr(offset, kChunkBytes)));
    }
    messages.push_back(UploadFinish(text));
    return Send(messages);
  }

  StatusOr<retrieval::v1::SearchResponse> Search(const retrieval::v1::SearchRequest& request) {
    return Call(*search_, &retrieval::v1::SearchService::Stub::Search, request);
  }
  static retrieval::v1::SearchRequest Query(const std::string& text,
                                            retrieval::v1::SearchMode mode) {
    retrieval::v1::SearchRequest request;
    request.set_parent("collections/c");
    request.set_query(text);
    request.set_mode(mode);
    return request;
  }
  // "document|text" of each hit.
  std::vector<std::string> Hits(const std::string& text, retrieval::v1::SearchMode mode) {
    std::vector<std::string> hits;
    const auto response = Search(Query(text, mode));
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return hits;
    for (const auto& hit : response->hits()) {
      hits.push_back(hit.document().substr(hit.document().rfind('/') + 1) + "|" +
                     hit.chunk().text());
    }
    return hits;
  }

  StatusOr<retrieval::v1::GetDocumentResponse> Get(const std::string& name) {
    retrieval::v1::GetDocumentRequest request;
    request.set_name(name);
    return Call(*documents_, &retrieval::v1::DocumentService::Stub::GetDocument, request);
  }
  StatusOr<retrieval::v1::ReadDocumentTextResponse> Read(const std::string& name,
                                                         std::int64_t offset = 0,
                                                         std::int64_t limit = 0) {
    retrieval::v1::ReadDocumentTextRequest request;
    request.set_name(name);
    request.set_offset(offset);
    request.set_limit(limit);
    return Call(*documents_, &retrieval::v1::DocumentService::Stub::ReadDocumentText, request);
  }
  StatusOr<retrieval::v1::DeleteDocumentResponse> Delete(const std::string& name) {
    retrieval::v1::DeleteDocumentRequest request;
    request.set_name(name);
    return Call(*documents_, &retrieval::v1::DocumentService::Stub::DeleteDocument, request);
  }
  std::vector<std::string> DocumentIds(const std::string& collection) {
    retrieval::v1::ListDocumentsRequest request;
    request.set_parent("collections/" + collection);
    const auto response =
        Call(*documents_, &retrieval::v1::DocumentService::Stub::ListDocuments, request);
    std::vector<std::string> ids;
    EXPECT_THAT(response, IsOk());
    for (const auto& document : response->documents()) {
      ids.push_back(document.name().substr(document.name().rfind('/') + 1));
    }
    return ids;
  }

  const TemporaryDirectory folder_;
  services::RetrievalOptions options_;
  bool load_ = true;  // whether Start builds the index
  FakeInferenceService inference_;
  const LoopbackServer inference_server_{inference_};
  std::unique_ptr<services::RetrievalServer> host_;
  std::unique_ptr<services::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<retrieval::v1::CollectionService::Stub> collections_;
  std::unique_ptr<retrieval::v1::DocumentService::Stub> documents_;
  std::unique_ptr<retrieval::v1::SearchService::Stub> search_;
};

inline constexpr retrieval::v1::SearchMode kSearchModes[] = {retrieval::v1::SEARCH_MODE_DENSE,
                                                             retrieval::v1::SEARCH_MODE_LEXICAL,
                                                             retrieval::v1::SEARCH_MODE_HYBRID};

}  // namespace quire::testing
