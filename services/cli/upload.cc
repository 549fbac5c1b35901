#include "services/cli/upload.h"

#include <chrono>
#include <random>
#include <span>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/sha256.h"
#include "services/cli/resource_names.h"

namespace quire::services::cli {
namespace {

using retrieval::v1::CollectionService;
using retrieval::v1::DocumentService;
using retrieval::v1::UploadDocumentRequest;
using retrieval::v1::UploadDocumentResponse;

constexpr std::size_t kChunkBytes = 256 << 10;
constexpr std::chrono::seconds kDeleteTimeout{10};

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

UploadDocumentRequest Header(const std::string& collection, const LocalDocument& document) {
  UploadDocumentRequest request;
  auto& header = *request.mutable_header();
  header.set_parent(CollectionName(collection));
  header.set_document_id(document.id);
  header.set_title(document.title);
  header.set_size_bytes(static_cast<std::int64_t>(document.text.size()));
  for (const auto& [key, value] : document.metadata) (*header.mutable_metadata())[key] = value;
  return request;
}

UploadDocumentRequest Chunk(std::string_view text, std::size_t offset) {
  const std::string_view piece = text.substr(offset, kChunkBytes);
  UploadDocumentRequest request;
  auto& chunk = *request.mutable_chunk();
  chunk.set_offset(static_cast<std::int64_t>(offset));
  chunk.set_data(piece.data(), piece.size());
  chunk.set_crc32c(Crc32c(Bytes(piece)));
  return request;
}

UploadDocumentRequest FinishOf(std::string_view text) {
  Sha256 sha256;
  sha256.Update(Bytes(text));
  UploadDocumentRequest request;
  request.mutable_finish()->set_sha256(ToHex(Bytes(sha256.Finish())));
  return request;
}

std::string RandomCollectionId() {
  std::random_device random;
  return fmt::format("temporary-{:08x}{:08x}", random(), random());
}

}  // namespace

StatusOr<UploadDocumentResponse> UploadDocument(Session& session, DocumentService::Stub& stub,
                                                const std::string& collection,
                                                const LocalDocument& document) {
  Call call(session);
  UploadDocumentResponse response;
  const auto writer = stub.UploadDocument(call.context(), &response);
  // A write that fails means that the call is over: Finish says why.
  bool open = writer->Write(Header(collection, document));
  for (std::size_t offset = 0; open && offset < document.text.size(); offset += kChunkBytes) {
    open = writer->Write(Chunk(document.text, offset));
  }
  if (open && writer->Write(FinishOf(document.text))) writer->WritesDone();
  QUIRE_RETURN_IF_ERROR(
      Annotate(call.Finish(writer->Finish()), fmt::format("document {}", document.id)));
  return response;
}

StatusOr<std::unique_ptr<TemporaryCollection>> TemporaryCollection::Create(
    Session& session, const std::shared_ptr<grpc::Channel>& channel,
    const std::string& embedding_model) {
  std::unique_ptr<TemporaryCollection> collection(
      new TemporaryCollection(channel, RandomCollectionId()));
  retrieval::v1::CreateCollectionRequest request;
  request.set_collection_id(collection->id());
  request.mutable_collection()->set_embedding_model(embedding_model);
  QUIRE_RETURN_IF_ERROR(
      CallUnary(session, *collection->stub_, &CollectionService::Stub::CreateCollection, request)
          .status());
  return collection;
}

TemporaryCollection::TemporaryCollection(const std::shared_ptr<grpc::Channel>& channel,
                                         std::string id)
    : stub_(CollectionService::NewStub(channel)), id_(std::move(id)) {}

// Deletes whatever became of the task, so neither --timeout nor an interrupt reach this call.
TemporaryCollection::~TemporaryCollection() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeleteTimeout);
  retrieval::v1::DeleteCollectionRequest request;
  request.set_name(CollectionName(id_));
  request.set_force(true);
  retrieval::v1::DeleteCollectionResponse response;
  const grpc::Status status = stub_->DeleteCollection(&context, request, &response);
  if (!status.ok() && status.error_code() != grpc::StatusCode::NOT_FOUND) {
    log::Warn("collection {} is left behind: {}", id_, status.error_message());
  }
}

}  // namespace quire::services::cli
