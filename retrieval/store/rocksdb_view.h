#pragma once

#include <cstdint>
#include <memory>

#include "retrieval/store/document_store.h"
#include "retrieval/store/rocksdb_database.h"

namespace quire::retrieval {

// Bytes of text under one key.
inline constexpr std::int64_t kTextBlockBytes = 16 * 1024;
// Vectors under one key.
inline constexpr std::int32_t kEmbeddingsPerKey = 64;

// A view that reads at a snapshot of `database`, which must outlive it.
std::unique_ptr<StoreView> NewRocksDbView(const RocksDbDatabase& database);

}  // namespace quire::retrieval
