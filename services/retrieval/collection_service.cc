#include "services/retrieval/collection_service.h"

#include <optional>
#include <utility>

#include "retrieval/chunking/chunker.h"
#include "services/retrieval/call_status.h"
#include "services/retrieval/messages.h"
#include "services/retrieval/paging.h"
#include "services/retrieval/resource_names.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using retrieval::v1::CreateCollectionRequest;
using retrieval::v1::CreateCollectionResponse;
using retrieval::v1::DeleteCollectionRequest;
using retrieval::v1::GetCollectionRequest;
using retrieval::v1::GetCollectionResponse;
using retrieval::v1::ListCollectionsRequest;
using retrieval::v1::ListCollectionsResponse;

Status WithField(const Status& status, std::string_view field) {
  return WithFieldViolation(status, field, Message(status));
}

StatusOr<retrieval::CollectionRecord> NewRecord(const CreateCollectionRequest& request,
                                                const retrieval::EmbeddingModel& model) {
  const retrieval::v1::ChunkingConfig& chunking = request.collection().chunking();
  const auto chunk_tokens =
      retrieval::ResolveChunkTokens(chunking.chunk_tokens(), model.max_tokens);
  if (!chunk_tokens.ok()) {
    return WithField(chunk_tokens.status(), "collection.chunking.chunk_tokens");
  }
  const auto overlap_tokens = retrieval::ResolveOverlapTokens(
      chunking.has_overlap_tokens() ? std::optional(chunking.overlap_tokens()) : std::nullopt,
      *chunk_tokens);
  if (!overlap_tokens.ok()) {
    return WithField(overlap_tokens.status(), "collection.chunking.overlap_tokens");
  }
  retrieval::CollectionRecord record;
  record.id = request.collection_id();
  record.embedding_model = model.name;
  record.embedding_fingerprint = model.fingerprint;
  record.embedding_dimension = model.dimension;
  record.chunk_tokens = *chunk_tokens;
  record.overlap_tokens = *overlap_tokens;
  return record;
}

Status Create(LibraryHost& host, grpc::ServerContext& context,
              const CreateCollectionRequest& request, CreateCollectionResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_RETURN_IF_ERROR(CheckResourceId("collection_id", request.collection_id()));
  // Before the model is asked for: the answer does not depend on it.
  if (library->GetCollection(request.collection_id()).ok()) {
    return AlreadyExists("collection {}: there already", request.collection_id());
  }
  GrpcEmbedder embedder = host.EmbedderFor(context);
  QUIRE_ASSIGN_OR_RETURN(const retrieval::EmbeddingModel model,
                         embedder.Describe(request.collection().embedding_model()));
  QUIRE_ASSIGN_OR_RETURN(retrieval::CollectionRecord record, NewRecord(request, model));
  QUIRE_ASSIGN_OR_RETURN(const retrieval::CollectionSummary created,
                         library->CreateCollection(std::move(record)));
  *response.mutable_collection() = ToMessage(created);
  return OkStatus();
}

Status Get(LibraryHost& host, const GetCollectionRequest& request,
           GetCollectionResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const std::string id, ParseCollectionName("name", request.name()));
  QUIRE_ASSIGN_OR_RETURN(const retrieval::CollectionSummary summary, library->GetCollection(id));
  *response.mutable_collection() = ToMessage(summary);
  return OkStatus();
}

Status List(LibraryHost& host, const ListCollectionsRequest& request,
            ListCollectionsResponse& response) {
  constexpr std::string_view kScope = "collections";
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t page_size, PageSize(request.page_size()));
  QUIRE_ASSIGN_OR_RETURN(const std::string after, DecodePageToken(kScope, request.page_token()));
  // One more tells whether there is a next page.
  auto collections = library->ListCollections(after, page_size + 1);
  const bool more = collections.size() > static_cast<std::size_t>(page_size);
  if (more) collections.pop_back();
  for (const auto& summary : collections) *response.add_collections() = ToMessage(summary);
  if (more) {
    response.set_next_page_token(EncodePageToken(kScope, collections.back().record.id));
  }
  return OkStatus();
}

Status Delete(LibraryHost& host, const DeleteCollectionRequest& request) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const std::string id, ParseCollectionName("name", request.name()));
  return library->DeleteCollection(id, request.force());
}

}  // namespace

grpc::Status CollectionService::CreateCollection(grpc::ServerContext* context,
                                                 const CreateCollectionRequest* request,
                                                 CreateCollectionResponse* response) {
  const Status status = Create(host_, *context, *request, *response);
  // NOT_FOUND is about the model and names it already.
  if (!absl::IsAlreadyExists(status)) return ToCallStatus(status);
  return ToCallStatus(status, kCollectionType, CollectionName(request->collection_id()));
}

grpc::Status CollectionService::GetCollection(grpc::ServerContext*,
                                              const GetCollectionRequest* request,
                                              GetCollectionResponse* response) {
  return ToCallStatus(Get(host_, *request, *response), kCollectionType, request->name());
}

grpc::Status CollectionService::ListCollections(grpc::ServerContext*,
                                                const ListCollectionsRequest* request,
                                                ListCollectionsResponse* response) {
  return ToCallStatus(List(host_, *request, *response));
}

grpc::Status CollectionService::DeleteCollection(grpc::ServerContext*,
                                                 const DeleteCollectionRequest* request,
                                                 retrieval::v1::DeleteCollectionResponse*) {
  return ToCallStatus(Delete(host_, *request), kCollectionType, request->name());
}

}  // namespace quire::services
