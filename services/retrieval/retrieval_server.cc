#include "services/retrieval/retrieval_server.h"

#include <chrono>
#include <utility>

#include "retrieval/index/faiss_index.h"
#include "retrieval/library.h"
#include "retrieval/store/rocksdb_document_store.h"
#include "services/retrieval/collection_service.h"
#include "services/retrieval/document_service.h"
#include "services/retrieval/library_host.h"
#include "services/retrieval/search_service.h"

namespace quire::services {
namespace {

std::int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class RetrievalServerOverRocksDb final : public RetrievalServer {
 public:
  RetrievalServerOverRocksDb(const RetrievalOptions& options,
                             std::unique_ptr<retrieval::DocumentStore> store)
      : store_(std::move(store)),
        collections_(host_),
        documents_(host_, options.max_document_bytes, options.max_upload_bytes),
        search_(host_) {}

  std::vector<grpc::Service*> services() override { return {&collections_, &documents_, &search_}; }

  Status Load(std::shared_ptr<grpc::Channel> inference,
              const std::function<void(std::int64_t done, std::int64_t total)>& progress) override {
    const auto report = [&](std::int64_t done, std::int64_t total) {
      host_.SetProgress(done, total);
      if (progress) progress(done, total);
    };
    QUIRE_ASSIGN_OR_RETURN(
        std::unique_ptr<retrieval::Library> library,
        retrieval::Library::Open(
            std::move(store_),
            {.new_vector_index = retrieval::NewFaissIndex, .now_us = NowMicroseconds}, report));
    host_.Start(std::move(library), inference);
    return OkStatus();
  }

 private:
  std::unique_ptr<retrieval::DocumentStore> store_;  // until Load
  LibraryHost host_;
  CollectionService collections_;
  DocumentService documents_;
  SearchService search_;
};

Status CheckOptions(const RetrievalOptions& options) {
  if (options.data_dir.empty()) return InvalidArgument("data-dir: wanted a directory, have none");
  if (options.max_document_bytes < 1 || options.max_upload_bytes < options.max_document_bytes) {
    return InvalidArgument("max-document-bytes: wanted 1 to max-upload-bytes ({}), have {}",
                           options.max_upload_bytes, options.max_document_bytes);
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<RetrievalServer>> RetrievalServer::Create(
    const RetrievalOptions& options) {
  QUIRE_RETURN_IF_ERROR(CheckOptions(options));
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<retrieval::DocumentStore> store,
                         retrieval::OpenRocksDbDocumentStore(options.data_dir, {}));
  return std::make_unique<RetrievalServerOverRocksDb>(options, std::move(store));
}

}  // namespace quire::services
