#include "retrieval/store/rocksdb_document_store.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "retrieval/store/directory_lock.h"
#include "retrieval/store/keys.h"
#include "retrieval/store/record_codec.h"
#include "retrieval/store/rocksdb_database.h"
#include "retrieval/store/rocksdb_view.h"

namespace quire::retrieval {
namespace {

// Of the whole layout: tables, keys, blocks.
constexpr std::int64_t kSchemaVersion = 1;
constexpr std::string_view kSchemaKey = "schema";
constexpr std::string_view kNextCollectionKey = "next_collection";
// Checksums of keys and values from the batch to the memtable; what RocksDB offers.
constexpr std::size_t kProtectionBytesPerKey = 8;

// A batch over the tables of one database. Its methods fail only where memory does.
class Batch {
 public:
  explicit Batch(const RocksDbDatabase& database)
      : database_(database), batch_(0, 0, kProtectionBytesPerKey, 0) {}

  void Put(Table table, std::string_view key, std::string_view value) {
    Keep(batch_.Put(database_.handle(table), ToSlice(key), ToSlice(value)));
  }
  void Delete(Table table, std::string_view key) {
    Keep(batch_.Delete(database_.handle(table), ToSlice(key)));
  }
  void DeleteRange(Table table, std::string_view first, std::string_view end) {
    Keep(batch_.DeleteRange(database_.handle(table), ToSlice(first), ToSlice(end)));
  }

  std::size_t size_bytes() const { return batch_.GetDataSize(); }

  // On disk, all of it or nothing, when this returns OK.
  Status Write() {
    if (!first_error_.ok()) return FromRocksDb(first_error_);
    rocksdb::WriteOptions options;
    options.sync = true;
    return FromRocksDb(database_.db().Write(options, &batch_));
  }

 private:
  void Keep(const rocksdb::Status& status) {
    if (first_error_.ok()) first_error_ = status;
  }

  const RocksDbDatabase& database_;
  rocksdb::WriteBatch batch_;
  rocksdb::Status first_error_;
};

std::int64_t NumTextBlocks(const DocumentRecord& document) {
  return (document.text_bytes + kTextBlockBytes - 1) / kTextBlockBytes;
}

// Keys follow from the record, so nothing is read to delete a document.
void DeleteDocument(CollectionNumber collection, const DocumentRecord& document, Batch& batch) {
  batch.Delete(Table::kDocuments, DocumentKey(collection, document.id));
  for (std::int64_t block = 0; block < NumTextBlocks(document); ++block) {
    batch.Delete(Table::kTexts,
                 TextKey(collection, document.first_chunk, static_cast<std::uint64_t>(block)));
  }
  for (std::int32_t i = 0; i < document.num_chunks; ++i) {
    const std::string key =
        ChunkKey(collection, Advance(document.first_chunk, static_cast<std::uint64_t>(i)));
    batch.Delete(Table::kChunks, key);
    if (i % kEmbeddingsPerKey == 0) batch.Delete(Table::kEmbeddings, key);
  }
}

void PutDocument(CollectionNumber collection, const DocumentRecord& document,
                 const DocumentContent& content, Batch& batch) {
  batch.Put(Table::kDocuments, DocumentKey(collection, document.id), EncodeDocument(document));
  batch.Put(Table::kVersions, DocumentKey(collection, document.id),
            EncodeVersion(document.version));
  const std::string_view text = content.text;
  for (std::int64_t block = 0; block < NumTextBlocks(document); ++block) {
    batch.Put(Table::kTexts,
              TextKey(collection, document.first_chunk, static_cast<std::uint64_t>(block)),
              text.substr(static_cast<std::size_t>(block * kTextBlockBytes), kTextBlockBytes));
  }
  const std::size_t num_chunks = content.chunks.size();
  const std::size_t dimension = num_chunks == 0 ? 0 : content.embeddings.size() / num_chunks;
  for (std::size_t i = 0; i < num_chunks; ++i) {
    const std::string key = ChunkKey(collection, Advance(document.first_chunk, i));
    batch.Put(Table::kChunks, key, EncodeChunk(content.chunks[i]));
    if (i % kEmbeddingsPerKey != 0) continue;
    const std::size_t rows = std::min<std::size_t>(kEmbeddingsPerKey, num_chunks - i);
    batch.Put(Table::kEmbeddings, key,
              EncodeFloats(std::span(content.embeddings).subspan(i * dimension, rows * dimension)));
  }
}

class RocksDbDocumentStore final : public DocumentStore {
 public:
  RocksDbDocumentStore(std::string directory, const RocksDbStoreOptions& options,
                       std::unique_ptr<DirectoryLock> lock,
                       std::unique_ptr<RocksDbDatabase> database)
      : directory_(std::move(directory)),
        options_(options),
        lock_(std::move(lock)),
        database_(std::move(database)) {}

  // Writes the schema's version into an empty store, checks it otherwise.
  Status CheckSchema() {
    const auto stored = database_->Get({}, Table::kMeta, kSchemaKey);
    if (absl::IsNotFound(stored.status())) {
      Batch batch(*database_);
      batch.Put(Table::kMeta, kSchemaKey, EncodeVersion(kSchemaVersion));
      batch.Put(Table::kMeta, kNextCollectionKey, EncodeVersion(1));
      return batch.Write();
    }
    if (!stored.ok()) return stored.status();
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t version, DecodeVersion(*stored));
    if (version == kSchemaVersion) return OkStatus();
    return FailedPrecondition("store {}: wanted schema {}, have {}", directory_, kSchemaVersion,
                              version);
  }

  StatusOr<std::vector<CollectionRecord>> ListCollections() const override {
    std::vector<CollectionRecord> collections;
    const std::unique_ptr<rocksdb::Iterator> iterator(
        database_->db().NewIterator({}, database_->handle(Table::kCollections)));
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      QUIRE_ASSIGN_OR_RETURN(collections.emplace_back(),
                             DecodeCollection(ToView(iterator->key()), ToView(iterator->value())));
    }
    QUIRE_RETURN_IF_ERROR(FromRocksDb(iterator->status()));
    return collections;
  }

  Status CreateCollection(CollectionRecord& collection) override {
    const std::lock_guard lock(collections_mutex_);
    QUIRE_ASSIGN_OR_RETURN(const std::string bytes,
                           database_->Get({}, Table::kMeta, kNextCollectionKey));
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t number, DecodeVersion(bytes));
    collection.number = CollectionNumber{static_cast<std::uint64_t>(number)};
    Batch batch(*database_);
    batch.Put(Table::kMeta, kNextCollectionKey, EncodeVersion(number + 1));
    batch.Put(Table::kCollections, collection.id, EncodeCollection(collection));
    batch.Put(Table::kStates, CollectionKey(collection.number), EncodeState({}));
    QUIRE_RETURN_IF_ERROR(CheckFreeSpace(batch.size_bytes()));
    return batch.Write();
  }

  Status DeleteCollection(const CollectionRecord& collection) override {
    Batch batch(*database_);
    batch.Delete(Table::kCollections, collection.id);
    for (const Table table : {Table::kStates, Table::kDocuments, Table::kVersions, Table::kTexts,
                              Table::kChunks, Table::kEmbeddings}) {
      batch.DeleteRange(table, CollectionKey(collection.number),
                        AfterCollectionKey(collection.number));
    }
    return batch.Write();
  }

  StatusOr<CollectionState> GetState(CollectionNumber collection) const override {
    auto bytes = database_->Get({}, Table::kStates, CollectionKey(collection));
    if (absl::IsNotFound(bytes.status())) {
      return DataLoss("state of collection {}: wanted one, have none",
                      static_cast<std::uint64_t>(collection));
    }
    if (!bytes.ok()) return bytes.status();
    return DecodeState(*bytes);
  }

  Status Commit(CollectionNumber collection, const CollectionState& state,
                std::span<const DocumentChange> changes) override {
    Batch batch(*database_);
    bool grows = false;
    for (const DocumentChange& change : changes) {
      if (change.removed) DeleteDocument(collection, *change.removed, batch);
      if (!change.added) continue;
      PutDocument(collection, *change.added, *change.content, batch);
      grows = true;
    }
    batch.Put(Table::kStates, CollectionKey(collection), EncodeState(state));
    if (grows) QUIRE_RETURN_IF_ERROR(CheckFreeSpace(batch.size_bytes()));
    return batch.Write();
  }

  StatusOr<std::unique_ptr<StoreView>> NewView() const override {
    return NewRocksDbView(*database_);
  }

 private:
  // A batch is written twice, to the log and to a table, before the log goes.
  Status CheckFreeSpace(std::size_t batch_bytes) const {
    std::error_code error;
    const auto space = std::filesystem::space(directory_, error);
    if (error) return OkStatus();  // unknown: let the write find out
    const auto wanted =
        static_cast<std::uint64_t>(options_.min_free_bytes) + 2 * std::uint64_t{batch_bytes};
    if (space.available >= wanted) return OkStatus();
    return DiskFull(fmt::format("disk of {}: wanted {} bytes free, have {}", directory_, wanted,
                                space.available));
  }

  const std::string directory_;
  const RocksDbStoreOptions options_;
  const std::unique_ptr<DirectoryLock> lock_;  // released after the database is closed
  const std::unique_ptr<RocksDbDatabase> database_;
  std::mutex collections_mutex_;  // one new number at a time
};

}  // namespace

StatusOr<std::unique_ptr<DocumentStore>> OpenRocksDbDocumentStore(
    const std::string& directory, const RocksDbStoreOptions& options) {
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<DirectoryLock> lock, DirectoryLock::Acquire(directory));
  QUIRE_ASSIGN_OR_RETURN(
      std::unique_ptr<RocksDbDatabase> database,
      RocksDbDatabase::Open((std::filesystem::path(directory) / "rocksdb").string()));
  auto store = std::make_unique<RocksDbDocumentStore>(directory, options, std::move(lock),
                                                      std::move(database));
  QUIRE_RETURN_IF_ERROR(store->CheckSchema());
  return store;
}

}  // namespace quire::retrieval
