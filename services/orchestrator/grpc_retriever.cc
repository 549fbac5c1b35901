#include "services/orchestrator/grpc_retriever.h"

#include "services/server/channel.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

namespace retrieval_pb = retrieval::v1;

constexpr std::int32_t kDocumentsPerPage = 1000;
constexpr std::int64_t kBytesPerRead = std::int64_t{2} << 20;

Status FromRetrieval(const grpc::Status& status) {
  return Annotate(FromGrpcStatus(status), "retrieval service");
}

StoredDocument ToStored(const retrieval_pb::Document& document) {
  return {.name = document.name(),
          .title = document.title(),
          .version = document.version(),
          .text_bytes = document.text_bytes()};
}

StatusOr<Passage> ToPassage(const retrieval_pb::SearchHit& hit) {
  const retrieval_pb::Chunk& chunk = hit.chunk();
  if (chunk.end() - chunk.start() != static_cast<std::int64_t>(chunk.text().size())) {
    return Internal("retrieval service: {}, chunk {}: wanted {} bytes of text, have {}",
                    hit.document(), chunk.index(), chunk.end() - chunk.start(),
                    chunk.text().size());
  }
  return Passage{.document = hit.document(),
                 .title = hit.title(),
                 .version = hit.version(),
                 .start = chunk.start(),
                 .end = chunk.end(),
                 .text = chunk.text(),
                 .headings = {chunk.headings().begin(), chunk.headings().end()}};
}

}  // namespace

GrpcRetriever::GrpcRetriever(const std::shared_ptr<grpc::Channel>& retrieval,
                             const AnswerCall& call)
    : search_(retrieval_pb::SearchService::NewStub(retrieval)),
      documents_(retrieval_pb::DocumentService::NewStub(retrieval)),
      call_(call) {}

StatusOr<std::vector<Passage>> GrpcRetriever::Search(const std::string& collection,
                                                     const std::string& query,
                                                     std::span<const std::string> documents,
                                                     std::int32_t top_k) {
  retrieval_pb::SearchRequest request;
  request.set_parent(collection);
  request.set_query(query);
  request.set_top_k(top_k);
  request.mutable_documents()->Add(documents.begin(), documents.end());
  retrieval_pb::SearchResponse response;
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const grpc::Status status = search_->Search(context.get(), request, &response);
  if (!status.ok()) return FromRetrieval(status);
  std::vector<Passage> passages;
  for (const retrieval_pb::SearchHit& hit : response.hits()) {
    QUIRE_ASSIGN_OR_RETURN(Passage passage, ToPassage(hit));
    passages.push_back(std::move(passage));
  }
  return passages;
}

StatusOr<std::vector<StoredDocument>> GrpcRetriever::ListDocuments(
    const std::string& collection, std::span<const std::string> documents) {
  std::vector<StoredDocument> stored;
  for (const std::string& name : documents) {
    QUIRE_ASSIGN_OR_RETURN(StoredDocument document, GetDocument(name));
    stored.push_back(std::move(document));
  }
  if (!documents.empty()) return stored;
  retrieval_pb::ListDocumentsRequest request;
  request.set_parent(collection);
  request.set_page_size(kDocumentsPerPage);
  do {
    retrieval_pb::ListDocumentsResponse response;
    const auto context = MakeChildContext(call_.context, call_.request_id);
    const grpc::Status status = documents_->ListDocuments(context.get(), request, &response);
    if (!status.ok()) return FromRetrieval(status);
    for (const retrieval_pb::Document& document : response.documents()) {
      stored.push_back(ToStored(document));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return stored;
}

StatusOr<StoredDocument> GrpcRetriever::GetDocument(const std::string& name) {
  retrieval_pb::GetDocumentRequest request;
  request.set_name(name);
  retrieval_pb::GetDocumentResponse response;
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const grpc::Status status = documents_->GetDocument(context.get(), request, &response);
  if (!status.ok()) return FromRetrieval(status);
  return ToStored(response.document());
}

StatusOr<std::string> GrpcRetriever::ReadText(const StoredDocument& document) {
  std::string text;
  retrieval_pb::ReadDocumentTextRequest request;
  request.set_name(document.name);
  request.set_limit(kBytesPerRead);
  while (static_cast<std::int64_t>(text.size()) < document.text_bytes) {
    request.set_offset(static_cast<std::int64_t>(text.size()));
    retrieval_pb::ReadDocumentTextResponse response;
    const auto context = MakeChildContext(call_.context, call_.request_id);
    const Status status =
        FromRetrieval(documents_->ReadDocumentText(context.get(), request, &response));
    if (absl::IsNotFound(status) || absl::IsOutOfRange(status)) {
      return Aborted("{}: version {} was replaced or deleted while it was read", document.name,
                     document.version);
    }
    QUIRE_RETURN_IF_ERROR(status);
    if (response.version() != document.version || response.text().empty()) {
      return Aborted("{}: changed from version {} to {} while it was read", document.name,
                     document.version, response.version());
    }
    text += response.text();
  }
  return text;
}

}  // namespace quire::services
