#include "services/retrieval/document_service.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "services/retrieval/call_status.h"
#include "services/retrieval/messages.h"
#include "services/retrieval/paging.h"
#include "services/retrieval/resource_names.h"
#include "services/retrieval/upload_receiver.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using retrieval::v1::DeleteDocumentRequest;
using retrieval::v1::DeleteDocumentResponse;
using retrieval::v1::GetDocumentRequest;
using retrieval::v1::GetDocumentResponse;
using retrieval::v1::ListChunksRequest;
using retrieval::v1::ListChunksResponse;
using retrieval::v1::ListDocumentsRequest;
using retrieval::v1::ListDocumentsResponse;
using retrieval::v1::ReadDocumentTextRequest;
using retrieval::v1::ReadDocumentTextResponse;
using retrieval::v1::UploadDocumentRequest;
using retrieval::v1::UploadDocumentResponse;

constexpr std::int64_t kDefaultReadBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMaxReadBytes = std::int64_t{3} << 20;

Status Get(LibraryHost& host, const GetDocumentRequest& request, GetDocumentResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const DocumentPath path, ParseDocumentName("name", request.name()));
  QUIRE_ASSIGN_OR_RETURN(const retrieval::DocumentRecord document,
                         library->GetDocument(path.collection, path.document));
  *response.mutable_document() = ToMessage(path.collection, document);
  return OkStatus();
}

Status List(LibraryHost& host, const ListDocumentsRequest& request,
            ListDocumentsResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const std::string collection,
                         ParseCollectionName("parent", request.parent()));
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t page_size, PageSize(request.page_size()));
  const std::string scope = request.parent() + "/documents";
  QUIRE_ASSIGN_OR_RETURN(std::string after, DecodePageToken(scope, request.page_token()));
  // One more tells whether there is a next page.
  QUIRE_ASSIGN_OR_RETURN(const std::vector<retrieval::DocumentRecord> documents,
                         library->ListDocuments(collection, after, page_size + 1));
  std::size_t bytes = 0;
  for (const retrieval::DocumentRecord& document : documents) {
    retrieval::v1::Document message = ToMessage(collection, document);
    bytes += message.ByteSizeLong();
    const bool full = response.documents_size() == page_size ||
                      (bytes > kMaxPageBytes && response.documents_size() > 0);
    if (full) {
      response.set_next_page_token(EncodePageToken(scope, after));
      return OkStatus();
    }
    after = document.id;
    *response.add_documents() = std::move(message);
  }
  return OkStatus();
}

Status Delete(LibraryHost& host, const DeleteDocumentRequest& request,
              DeleteDocumentResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const DocumentPath path, ParseDocumentName("name", request.name()));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t commit,
                         library->DeleteDocument(path.collection, path.document));
  response.set_commit(commit);
  return OkStatus();
}

Status ReadText(LibraryHost& host, const ReadDocumentTextRequest& request,
                ReadDocumentTextResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const DocumentPath path, ParseDocumentName("name", request.name()));
  if (request.offset() < 0) {
    return InvalidField("offset", fmt::format("wanted 0 or more, have {}", request.offset()));
  }
  if (request.limit() < 0 || request.limit() > kMaxReadBytes) {
    return InvalidField("limit",
                        fmt::format("wanted 0 to {}, have {}", kMaxReadBytes, request.limit()));
  }
  const std::int64_t limit = request.limit() == 0 ? kDefaultReadBytes : request.limit();
  auto range = library->ReadText(path.collection, path.document, request.offset(), limit);
  if (absl::IsInvalidArgument(range.status())) {
    const bool of_limit = Message(range.status()).starts_with("limit");
    return WithFieldViolation(range.status(), of_limit ? "limit" : "offset",
                              Message(range.status()));
  }
  if (!range.ok()) return range.status();
  response.set_text(std::move(range->text));
  response.set_text_bytes(range->document.text_bytes);
  response.set_version(range->document.version);
  return OkStatus();
}

// Where a page of chunks starts, and the version of the document that the first page showed.
struct ChunkPosition {
  std::int64_t version = 0;  // 0: the first page
  std::int32_t index = 0;
};

std::string ToText(const ChunkPosition& position) {
  return fmt::format("{}-{}", position.version, position.index);
}

ChunkPosition FromText(std::string_view text) {
  ChunkPosition position;
  const char* end = text.data() + text.size();
  const auto version = std::from_chars(text.data(), end, position.version);
  if (version.ptr != end) std::from_chars(version.ptr + 1, end, position.index);
  return position;
}

Status List(LibraryHost& host, const ListChunksRequest& request, ListChunksResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const DocumentPath path, ParseDocumentName("parent", request.parent()));
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t page_size, PageSize(request.page_size()));
  const std::string scope = request.parent() + "/chunks";
  QUIRE_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(scope, request.page_token()));
  ChunkPosition position = FromText(token);
  QUIRE_ASSIGN_OR_RETURN(
      retrieval::ChunkPage page,
      library->ListChunks(path.collection, path.document, position.index, page_size));
  if (position.version != 0 && position.version != page.document.version) {
    return Aborted("document {}: wanted version {} of the page before, have {}", request.parent(),
                   position.version, page.document.version);
  }
  std::size_t bytes = 0;
  for (const retrieval::ChunkWithText& chunk : page.chunks) {
    retrieval::v1::Chunk message = ToMessage(chunk);
    bytes += message.ByteSizeLong();
    if (bytes > kMaxPageBytes && response.chunks_size() > 0) break;
    *response.add_chunks() = std::move(message);
  }
  position = {page.document.version, position.index + response.chunks_size()};
  if (position.index < page.document.num_chunks) {
    response.set_next_page_token(EncodePageToken(scope, ToText(position)));
  }
  return OkStatus();
}

}  // namespace

Status DocumentService::Upload(grpc::ServerContext& context,
                               grpc::ServerReader<UploadDocumentRequest>& reader,
                               UploadDocumentResponse& response, std::string& parent) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host_.library());
  UploadReceiver receiver(max_document_bytes_, budget_);
  UploadDocumentRequest request;
  while (!receiver.is_finished() && reader.Read(&request)) {
    const bool first = !receiver.has_header();
    QUIRE_RETURN_IF_ERROR(receiver.Receive(request));
    if (!first) continue;
    parent = request.header().parent();
    // Told before the client sends megabytes in vain.
    QUIRE_RETURN_IF_ERROR(library->GetCollection(receiver.collection()).status());
  }
  if (context.IsCancelled()) return Cancelled("upload: the client is gone");
  if (!receiver.is_finished()) return receiver.Unfinished();
  GrpcEmbedder embedder = host_.EmbedderFor(context);
  QUIRE_ASSIGN_OR_RETURN(
      const retrieval::AddedDocument added,
      library->AddDocument(receiver.collection(), receiver.TakeDocument(), embedder));
  *response.mutable_document() = ToMessage(receiver.collection(), added.document);
  response.set_unchanged(added.unchanged);
  return OkStatus();
}

grpc::Status DocumentService::UploadDocument(grpc::ServerContext* context,
                                             grpc::ServerReader<UploadDocumentRequest>* reader,
                                             UploadDocumentResponse* response) {
  std::string parent;
  const Status status = Upload(*context, *reader, *response, parent);
  return ToCallStatus(status, kCollectionType, parent);
}

grpc::Status DocumentService::GetDocument(grpc::ServerContext*, const GetDocumentRequest* request,
                                          GetDocumentResponse* response) {
  return ToCallStatus(Get(host_, *request, *response), kDocumentType, request->name());
}

grpc::Status DocumentService::ListDocuments(grpc::ServerContext*,
                                            const ListDocumentsRequest* request,
                                            ListDocumentsResponse* response) {
  return ToCallStatus(List(host_, *request, *response), kCollectionType, request->parent());
}

grpc::Status DocumentService::DeleteDocument(grpc::ServerContext*,
                                             const DeleteDocumentRequest* request,
                                             DeleteDocumentResponse* response) {
  return ToCallStatus(Delete(host_, *request, *response), kDocumentType, request->name());
}

grpc::Status DocumentService::ReadDocumentText(grpc::ServerContext*,
                                               const ReadDocumentTextRequest* request,
                                               ReadDocumentTextResponse* response) {
  return ToCallStatus(ReadText(host_, *request, *response), kDocumentType, request->name());
}

grpc::Status DocumentService::ListChunks(grpc::ServerContext*, const ListChunksRequest* request,
                                         ListChunksResponse* response) {
  return ToCallStatus(List(host_, *request, *response), kDocumentType, request->parent());
}

}  // namespace quire::services
