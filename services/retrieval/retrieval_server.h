#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace quire::services {

struct RetrievalOptions {
  std::string data_dir;  // created if absent; one process at a time
  std::int64_t max_document_bytes = std::int64_t{64} << 20;
  // What running uploads may hold in memory together; further ones are RESOURCE_EXHAUSTED.
  std::int64_t max_upload_bytes = std::int64_t{256} << 20;
};

// Hosts CollectionService, DocumentService and SearchService over one data directory: what
// quire-retrieval and `quire serve` run. In order: Create, Server::Start(services()), Load,
// Server::SetServing(true); at the end Server::Shutdown, then the destructor, which flushes.
// Thread-safe.
class RetrievalServer {
 public:
  // Locks and opens the data directory, which does not take long. Returns FAILED_PRECONDITION if
  // another process has it or a later version wrote it, DATA_LOSS if the store is corrupt.
  static StatusOr<std::unique_ptr<RetrievalServer>> Create(const RetrievalOptions& options);
  virtual ~RetrievalServer() = default;

  // Borrowed. Until Load is done their calls are UNAVAILABLE with RetryInfo.
  virtual std::vector<grpc::Service*> services() = 0;

  // Builds the indexes from the store: seconds per gigabyte. `inference` may be a channel to a
  // service that is away or, in one process, an in-process channel: nothing is called on it here.
  // `progress`, unless empty, hears (documents indexed, documents in all). Call once.
  virtual Status Load(
      std::shared_ptr<grpc::Channel> inference,
      const std::function<void(std::int64_t done, std::int64_t total)>& progress) = 0;
};

}  // namespace quire::services
