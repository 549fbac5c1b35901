#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/chunk_id.h"

namespace quire::retrieval {

// A collection, for as long as it exists; never used again, so that a collection made later under
// the same id has nothing of it.
enum class CollectionNumber : std::uint64_t {};

struct CollectionRecord {
  std::string id;
  CollectionNumber number{};
  std::string embedding_model;
  std::string embedding_fingerprint;
  std::int32_t embedding_dimension = 0;
  std::int32_t chunk_tokens = 0;
  std::int32_t overlap_tokens = 0;
  std::int64_t create_time_us = 0;  // since the Unix epoch
};

// What changes with each commit to a collection.
struct CollectionState {
  std::int64_t commit = 0;  // sequence number of the last one
  std::uint64_t next_chunk = 0;
  std::int64_t num_documents = 0;
  std::int64_t num_chunks = 0;
};

struct DocumentRecord {
  std::string id;
  std::string title;
  std::string media_type;
  std::string sha256;  // of the bytes uploaded, lower-case hexadecimal
  std::int64_t size_bytes = 0;
  std::int64_t text_bytes = 0;
  std::map<std::string, std::string> metadata;
  std::int64_t version = 0;  // counts uploads under this id, deleted ones included
  std::int64_t commit = 0;   // the one that stored it
  std::int64_t create_time_us = 0;
  ChunkId first_chunk{};
  std::int32_t num_chunks = 0;
};

struct ChunkRecord {
  std::int64_t start = 0;  // byte range of the text
  std::int64_t end = 0;
  std::int32_t num_tokens = 0;
  std::vector<std::string> headings;  // outermost first
};

struct DocumentContent {
  std::string text;
  std::vector<ChunkRecord> chunks;
  std::vector<float> embeddings;  // [chunks.size(), dimension]
};

// One document of a commit: what goes, what comes, or both.
struct DocumentChange {
  std::optional<DocumentRecord> removed;  // as it was read
  std::optional<DocumentRecord> added;
  const DocumentContent* content = nullptr;  // of `added`
};

// The store as it was when the view was made, whatever is committed later. Holding one keeps what
// it shows on disk, so hold it for one call. Thread-safe. Every method may return DATA_LOSS.
class StoreView {
 public:
  virtual ~StoreView() = default;

  // Returns NOT_FOUND if there is none.
  virtual StatusOr<DocumentRecord> GetDocument(CollectionNumber collection,
                                               const std::string& id) const = 0;
  // At most `limit` documents in order of id, from the first id after `after`.
  virtual StatusOr<std::vector<DocumentRecord>> ListDocuments(CollectionNumber collection,
                                                              const std::string& after,
                                                              std::int64_t limit) const = 0;
  // The last version that a document of this id had; 0 if there was none.
  virtual StatusOr<std::int64_t> LastVersion(CollectionNumber collection,
                                             const std::string& id) const = 0;
  // Bytes [start, end) of a document's text. Reads no more than those, give or take 16 KiB.
  // Requires: start <= end <= text_bytes, and a document of this view.
  virtual StatusOr<std::string> ReadText(CollectionNumber collection,
                                         const DocumentRecord& document, std::int64_t start,
                                         std::int64_t end) const = 0;
  // Chunks [first, first + count) of a document. Requires: a range of its chunks.
  virtual StatusOr<std::vector<ChunkRecord>> ReadChunks(CollectionNumber collection,
                                                        const DocumentRecord& document,
                                                        std::int32_t first,
                                                        std::int32_t count) const = 0;
  // [document.num_chunks, dimension]. Returns DATA_LOSS if they have another dimension.
  virtual StatusOr<std::vector<float>> ReadEmbeddings(CollectionNumber collection,
                                                      const DocumentRecord& document,
                                                      std::int32_t dimension) const = 0;
};

// The only truth: documents, their text, chunks and vectors, on disk. A commit is all or nothing
// and survives a crash once it has returned. Does not search and assigns no numbers but those of
// collections. Implementations: RocksDbDocumentStore; a failing one in tests.
//
// Thread-safe; commits to one collection must come one after the other.
class DocumentStore {
 public:
  virtual ~DocumentStore() = default;

  // In order of id.
  virtual StatusOr<std::vector<CollectionRecord>> ListCollections() const = 0;
  // Stores an empty collection and sets its number. Requires: there is none of this id.
  virtual Status CreateCollection(CollectionRecord& collection) = 0;
  // Deletes a collection with all it holds.
  virtual Status DeleteCollection(const CollectionRecord& collection) = 0;
  virtual StatusOr<CollectionState> GetState(CollectionNumber collection) const = 0;

  // Makes all changes and sets the state, in one step. Returns RESOURCE_EXHAUSTED (IsDiskFull) if
  // the disk has too little room, with no change.
  virtual Status Commit(CollectionNumber collection, const CollectionState& state,
                        std::span<const DocumentChange> changes) = 0;

  virtual StatusOr<std::unique_ptr<StoreView>> NewView() const = 0;
};

// Whether RESOURCE_EXHAUSTED means the disk.
bool IsDiskFull(const Status& status);
// RESOURCE_EXHAUSTED for which that holds.
Status DiskFull(const std::string& message);

}  // namespace quire::retrieval
