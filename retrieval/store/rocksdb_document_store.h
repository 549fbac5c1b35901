#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "retrieval/store/document_store.h"

namespace quire::retrieval {

struct RocksDbStoreOptions {
  // Documents are refused when the disk has less than this, so that deletes still work.
  std::int64_t min_free_bytes = std::int64_t{256} << 20;
};

// Opens the store in `directory`, or creates one there. The directory is this object's alone.
//
// Returns FAILED_PRECONDITION if another process has it or a later version of the program wrote
// it, DATA_LOSS if it is damaged: then nothing of it is used.
StatusOr<std::unique_ptr<DocumentStore>> OpenRocksDbDocumentStore(
    const std::string& directory, const RocksDbStoreOptions& options);

}  // namespace quire::retrieval
