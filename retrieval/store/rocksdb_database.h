#pragma once

#include <rocksdb/db.h>
#include <rocksdb/status.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

// RocksDB as RocksDbDocumentStore uses it: which column families there are, with which options,
// and its errors as ours.

namespace quire::retrieval {

// The column families, with their keys and values (keys.h, record_codec.h).
enum class Table {
  kMeta,         // "schema" -> version; "next_collection" -> number
  kCollections,  // id -> CollectionRecord
  kStates,       // collection -> CollectionState
  kDocuments,    // collection, id -> DocumentRecord
  kVersions,     // collection, id -> last version, kept when the document goes
  kTexts,        // collection, first chunk, block -> 16 KiB of text
  kChunks,       // collection, chunk -> ChunkRecord
  kEmbeddings,   // collection, chunk -> the vectors of up to 64 chunks from that one on
};
inline constexpr int kNumTables = 8;

// The one conversion of RocksDB's errors: NOT_FOUND, DATA_LOSS for corruption, RESOURCE_EXHAUSTED
// (IsDiskFull) for a full disk, FAILED_PRECONDITION for a store that cannot be opened, UNAVAILABLE
// for one that refuses writes for now, else INTERNAL.
Status FromRocksDb(const rocksdb::Status& status);

inline rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// An open database with its column families. Thread-safe.
class RocksDbDatabase {
 public:
  // Creates it if it is absent.
  static StatusOr<std::unique_ptr<RocksDbDatabase>> Open(const std::string& path);
  // Flushes and closes.
  ~RocksDbDatabase();
  RocksDbDatabase(const RocksDbDatabase&) = delete;
  RocksDbDatabase& operator=(const RocksDbDatabase&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Table table) const {
    return handles_[static_cast<std::size_t>(table)];
  }
  // Returns NOT_FOUND if there is no such key.
  StatusOr<std::string> Get(const rocksdb::ReadOptions& options, Table table,
                            std::string_view key) const;

 private:
  RocksDbDatabase() = default;

  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kNumTables> handles_{};
};

}  // namespace quire::retrieval
