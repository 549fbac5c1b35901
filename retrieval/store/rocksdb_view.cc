#include "retrieval/store/rocksdb_view.h"

#include <rocksdb/iterator.h>
#include <rocksdb/snapshot.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "retrieval/store/keys.h"
#include "retrieval/store/record_codec.h"

namespace quire::retrieval {
namespace {

class RocksDbView final : public StoreView {
 public:
  explicit RocksDbView(const RocksDbDatabase& database)
      : database_(database), snapshot_(&database.db()) {}

  StatusOr<DocumentRecord> GetDocument(CollectionNumber collection,
                                       const std::string& id) const override {
    auto bytes = database_.Get(Options(), Table::kDocuments, DocumentKey(collection, id));
    if (absl::IsNotFound(bytes.status())) return NotFound("document {}: not in the collection", id);
    if (!bytes.ok()) return bytes.status();
    return DecodeDocument(id, *bytes);
  }

  StatusOr<std::vector<DocumentRecord>> ListDocuments(CollectionNumber collection,
                                                      const std::string& after,
                                                      std::int64_t limit) const override {
    std::vector<DocumentRecord> documents;
    // The first key after `after`: the same with the smallest byte appended.
    const std::string first =
        after.empty() ? CollectionKey(collection) : DocumentKey(collection, after) + '\0';
    if (limit <= 0) return documents;
    QUIRE_RETURN_IF_ERROR(Scan(Options(), Table::kDocuments, first, AfterCollectionKey(collection),
                               [&](std::string_view key, std::string_view value) -> StatusOr<bool> {
                                 QUIRE_ASSIGN_OR_RETURN(documents.emplace_back(),
                                                        DecodeDocument(DocumentIdOf(key), value));
                                 return static_cast<std::int64_t>(documents.size()) < limit;
                               }));
    return documents;
  }

  StatusOr<std::int64_t> LastVersion(CollectionNumber collection,
                                     const std::string& id) const override {
    auto bytes = database_.Get(Options(), Table::kVersions, DocumentKey(collection, id));
    if (absl::IsNotFound(bytes.status())) return 0;
    if (!bytes.ok()) return bytes.status();
    return DecodeVersion(*bytes);
  }

  StatusOr<std::string> ReadText(CollectionNumber collection, const DocumentRecord& document,
                                 std::int64_t start, std::int64_t end) const override {
    std::string text;
    if (start >= end) return text;
    const std::int64_t first_block = start / kTextBlockBytes;
    const std::int64_t end_block = (end + kTextBlockBytes - 1) / kTextBlockBytes;
    text.reserve(static_cast<std::size_t>((end_block - first_block) * kTextBlockBytes));
    const auto key = [&](std::int64_t block) {
      return TextKey(collection, document.first_chunk, static_cast<std::uint64_t>(block));
    };
    QUIRE_RETURN_IF_ERROR(Scan(Options(), Table::kTexts, key(first_block), key(end_block),
                               [&](std::string_view, std::string_view block) -> StatusOr<bool> {
                                 text.append(block);
                                 return true;
                               }));
    const std::int64_t skipped = start - first_block * kTextBlockBytes;
    if (static_cast<std::int64_t>(text.size()) < skipped + (end - start)) {
      return DataLoss("text of document {}: wanted bytes [{}, {}), have {} from {} on", document.id,
                      start, end, text.size(), first_block * kTextBlockBytes);
    }
    text.erase(0, static_cast<std::size_t>(skipped));
    text.resize(static_cast<std::size_t>(end - start));
    return text;
  }

  StatusOr<std::vector<ChunkRecord>> ReadChunks(CollectionNumber collection,
                                                const DocumentRecord& document, std::int32_t first,
                                                std::int32_t count) const override {
    std::vector<ChunkRecord> chunks;
    const auto key = [&](std::int32_t index) {
      return ChunkKey(collection, Advance(document.first_chunk, static_cast<std::uint64_t>(index)));
    };
    QUIRE_RETURN_IF_ERROR(Scan(Options(), Table::kChunks, key(first), key(first + count),
                               [&](std::string_view, std::string_view value) -> StatusOr<bool> {
                                 QUIRE_ASSIGN_OR_RETURN(chunks.emplace_back(), DecodeChunk(value));
                                 if (chunks.back().end <= document.text_bytes) return true;
                                 return DataLoss(
                                     "chunk of document {}: wanted it within {} bytes, "
                                     "have [{}, {})",
                                     document.id, document.text_bytes, chunks.back().start,
                                     chunks.back().end);
                               }));
    if (static_cast<std::int32_t>(chunks.size()) != count) {
      return DataLoss("chunks of document {}: wanted {} from {} on, have {}", document.id, count,
                      first, chunks.size());
    }
    return chunks;
  }

  StatusOr<std::vector<float>> ReadEmbeddings(CollectionNumber collection,
                                              const DocumentRecord& document,
                                              std::int32_t dimension) const override {
    std::vector<float> embeddings;
    std::int32_t num_read = 0;
    rocksdb::ReadOptions options = Options();
    options.fill_cache = false;  // read once, to fill the index
    const ChunkId end =
        Advance(document.first_chunk, static_cast<std::uint64_t>(document.num_chunks));
    const auto append = [&](std::string_view, std::string_view value) -> StatusOr<bool> {
      const std::int32_t rows = std::min(kEmbeddingsPerKey, document.num_chunks - num_read);
      num_read += rows;
      const std::size_t num_values =
          static_cast<std::size_t>(rows) * static_cast<std::size_t>(dimension);
      QUIRE_RETURN_IF_ERROR(DecodeFloats(value, num_values, embeddings));
      return true;
    };
    QUIRE_RETURN_IF_ERROR(Scan(options, Table::kEmbeddings,
                               ChunkKey(collection, document.first_chunk),
                               ChunkKey(collection, end), append));
    if (num_read != document.num_chunks) {
      return DataLoss("vectors of document {}: wanted {}, have {}", document.id,
                      document.num_chunks, num_read);
    }
    return embeddings;
  }

 private:
  rocksdb::ReadOptions Options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_.snapshot();
    return options;
  }

  // Calls `visit` with each entry of [first, end) until it returns false or fails.
  using Visit = std::function<StatusOr<bool>(std::string_view key, std::string_view value)>;
  Status Scan(rocksdb::ReadOptions options, Table table, const std::string& first,
              const std::string& end, const Visit& visit) const {
    const rocksdb::Slice upper = ToSlice(end);
    options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> iterator(
        database_.db().NewIterator(options, database_.handle(table)));
    for (iterator->Seek(ToSlice(first)); iterator->Valid(); iterator->Next()) {
      QUIRE_ASSIGN_OR_RETURN(const bool go_on,
                             visit(ToView(iterator->key()), ToView(iterator->value())));
      if (!go_on) return OkStatus();
    }
    return FromRocksDb(iterator->status());
  }

  const RocksDbDatabase& database_;
  mutable rocksdb::ManagedSnapshot snapshot_;  // its getter is not const
};

}  // namespace

std::unique_ptr<StoreView> NewRocksDbView(const RocksDbDatabase& database) {
  return std::make_unique<RocksDbView>(database);
}

}  // namespace quire::retrieval
