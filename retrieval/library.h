#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/collection.h"
#include "retrieval/embedding/embedder.h"
#include "retrieval/ingestion.h"
#include "retrieval/search/ranking.h"
#include "retrieval/store/document_store.h"

namespace quire::retrieval {

struct LibraryOptions {
  VectorIndexFactory new_vector_index;
  std::function<std::int64_t()> now_us;  // since the Unix epoch
};

struct CollectionSummary {
  CollectionRecord record;
  CollectionState state;
};

struct AddedDocument {
  DocumentRecord document;
  // The stored one had the same bytes, media type, title and metadata: nothing was written.
  bool unchanged = false;
};

struct TextRange {
  std::string text;
  DocumentRecord document;  // as it was when the text was read
};

struct ChunkWithText {
  std::int32_t index = 0;  // in its document
  ChunkRecord chunk;
  std::string text;
};

struct ChunkPage {
  std::vector<ChunkWithText> chunks;
  DocumentRecord document;  // as it was when they were read
};

struct SearchQuery {
  std::string text;
  SearchMode mode = SearchMode::kHybrid;
  std::int64_t top_k = 10;               // positive
  bool group_by_document = false;        // only the best chunk of each document
  std::vector<std::string> documents{};  // ids to search in; empty means all
};

struct SearchHit {
  // Shared by the hits of one document.
  std::shared_ptr<const DocumentRecord> document;
  ChunkWithText chunk;
  RankedChunk ranked;
};

struct SearchResult {
  std::vector<SearchHit> hits;  // best first
  std::int64_t commit = 0;      // number of the commit up to which the search saw
};

// Everything retrieval does, over one store: collections, documents, search. What a call has done
// when it returns is on disk, and every call that starts later sees it. Embedders are handed in
// per call, because they carry the deadline of the client's call.
//
// Thread-safe. Errors besides those named: NOT_FOUND for a collection or document that is not
// there, DATA_LOSS for a damaged store, RESOURCE_EXHAUSTED (IsDiskFull) for a full disk.
class Library {
 public:
  // Hears (documents indexed, documents in all).
  using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

  // Builds the indexes of all collections. `progress` may be empty.
  static StatusOr<std::unique_ptr<Library>> Open(std::unique_ptr<DocumentStore> store,
                                                 LibraryOptions options, const Progress& progress);

  // Makes a collection with id, embedding model and chunking of `record`; its number and time are
  // set here. Returns ALREADY_EXISTS if there is one of this id.
  StatusOr<CollectionSummary> CreateCollection(CollectionRecord record);
  StatusOr<CollectionSummary> GetCollection(const std::string& id) const;
  // At most `limit` in order of id, from the first id after `after`.
  std::vector<CollectionSummary> ListCollections(const std::string& after,
                                                 std::int64_t limit) const;
  // Returns FAILED_PRECONDITION if the collection has documents, unless `force`.
  Status DeleteCollection(const std::string& id, bool force);

  // Stores a document in place of the one of the same id, if there is one; errors as
  // PrepareDocument. Does not call the embedder for an unchanged document.
  StatusOr<AddedDocument> AddDocument(const std::string& collection, NewDocument document,
                                      Embedder& embedder);
  // Returns the number of the commit.
  StatusOr<std::int64_t> DeleteDocument(const std::string& collection, const std::string& id);
  StatusOr<DocumentRecord> GetDocument(const std::string& collection, const std::string& id) const;
  // At most `limit` in order of id, from the first id after `after`.
  StatusOr<std::vector<DocumentRecord>> ListDocuments(const std::string& collection,
                                                      const std::string& after,
                                                      std::int64_t limit) const;
  // At most `limit` bytes of text from `offset` on, whole characters. Returns OUT_OF_RANGE beyond
  // the end, INVALID_ARGUMENT within a character or if `limit` is less than the next one takes.
  // Requires: offset >= 0, limit > 0.
  StatusOr<TextRange> ReadText(const std::string& collection, const std::string& id,
                               std::int64_t offset, std::int64_t limit) const;
  // At most `limit` chunks from `first` on; none beyond the end. Requires: first >= 0, limit > 0.
  StatusOr<ChunkPage> ListChunks(const std::string& collection, const std::string& id,
                                 std::int32_t first, std::int32_t limit) const;

  // Lexical search does not call the embedder. Returns FAILED_PRECONDITION if the embedding model
  // is not the one the collection was made with.
  StatusOr<SearchResult> Search(const std::string& collection, const SearchQuery& query,
                                Embedder& embedder) const;

 private:
  Library(std::unique_ptr<DocumentStore> store, LibraryOptions options);

  // Shared by the map and the calls that use it, so that a collection deleted meanwhile stays
  // until they are done.
  StatusOr<std::shared_ptr<Collection>> Find(const std::string& id) const;

  const std::unique_ptr<DocumentStore> store_;
  const LibraryOptions options_;
  std::mutex create_mutex_;          // one creation or deletion of a collection at a time
  mutable std::shared_mutex mutex_;  // guards the map
  std::map<std::string, std::shared_ptr<Collection>> collections_;
};

}  // namespace quire::retrieval
