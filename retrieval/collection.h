#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "retrieval/chunk_id.h"
#include "retrieval/commit_queue.h"
#include "retrieval/index/lexical_index.h"
#include "retrieval/index/vector_index.h"
#include "retrieval/ingestion.h"
#include "retrieval/search/ranking.h"
#include "retrieval/store/document_store.h"

namespace quire::retrieval {

using VectorIndexFactory = std::function<std::unique_ptr<VectorIndex>(std::int32_t dimension)>;

// One collection: its part of the store and the indexes over it, kept in step. A change is on disk
// first and in the indexes next, and callers see both or neither: between the two, reads and
// searches get the view from before.
//
// Thread-safe. Changes that come at the same time share a commit.
class Collection {
 public:
  // Builds the indexes from the store. `progress`, unless empty, hears each document. Borrows
  // `store`. Returns DATA_LOSS if the store contradicts itself.
  static StatusOr<std::shared_ptr<Collection>> Load(const CollectionRecord& record,
                                                    DocumentStore& store,
                                                    const VectorIndexFactory& new_vector_index,
                                                    const std::function<void()>& progress);

  const CollectionRecord& record() const { return record_; }
  CollectionState state() const;
  // For PrepareDocument.
  LexicalIndex& words() { return words_; }

  // Stores a document, in place of the one of the same id if there is one. Gives it version,
  // commit and chunk ids, and the time `now_us`. Returns NOT_FOUND if the collection has been
  // dropped.
  StatusOr<DocumentRecord> Put(PreparedDocument document, std::int64_t now_us);
  // Returns the number of the commit, or NOT_FOUND.
  StatusOr<std::int64_t> Delete(const std::string& document_id);
  // Deletes the collection from the store; every later change is NOT_FOUND. Returns
  // FAILED_PRECONDITION if it has documents, unless `force`.
  Status Drop(bool force);

  // What reads see now: the state that the indexes are in. Holds disk space, so keep it for one
  // call. Shared by the calls that read while a change is on its way.
  StatusOr<std::shared_ptr<const StoreView>> View() const;

  // A chunk found, with the document it is of.
  struct Found {
    RankedChunk ranked;
    std::string document_id;
    std::int32_t index = 0;  // of the chunk in its document
  };
  struct SearchResult {
    std::vector<Found> found;               // best first
    std::shared_ptr<const StoreView> view;  // the state that was searched, as in View()
    std::int64_t commit = 0;                // number of that state
  };
  // `query.filter` and `query.group` are set here: from the ids in `documents`, all if it is empty,
  // and from `group_by_document`. Returns NOT_FOUND if one of `documents` is not there.
  StatusOr<SearchResult> Search(RankingQuery query, std::span<const std::string> documents,
                                bool group_by_document) const;

 private:
  // A change that waits for its commit; deletes if `document` is null.
  struct Change {
    std::string document_id;
    PreparedDocument* document = nullptr;
    std::int64_t now_us = 0;
    // The outcome.
    Status status;
    std::int64_t commit = 0;
  };

  Collection(const CollectionRecord& record, DocumentStore& store,
             std::unique_ptr<VectorIndex> vectors);

  Status LoadDocuments(const std::function<void()>& progress);
  Status LoadDocument(const StoreView& view, const std::string& id);

  static bool MayJoin(std::span<Change* const> group, const Change& change);
  void CommitGroup(std::span<Change* const> group);
  StatusOr<DocumentChange> PlanChange(const StoreView& view, Change& change,
                                      CollectionState& state) const;
  Status Apply(const DocumentChange& planned, const Change& change);
  void Pin(std::shared_ptr<const StoreView> view);

  StatusOr<ChunkFilter> FilterFor(const StoreView& view,
                                  std::span<const std::string> documents) const;
  // Requires: a chunk that is in the index.
  std::map<ChunkId, std::string>::const_iterator DocumentOf(ChunkId chunk) const;

  std::shared_lock<std::shared_mutex> ReadLock() const;
  std::unique_lock<std::shared_mutex> WriteLock() const;

  const CollectionRecord record_;
  DocumentStore& store_;

  std::mutex commit_mutex_;  // held through a commit, so by one leader or Drop
  bool dropped_ = false;     // guarded by commit_mutex_
  CommitQueue<Change> queue_;

  // std::shared_mutex prefers readers: without the gate, searches without a gap would keep a commit
  // from ever being applied.
  mutable std::mutex gate_;
  mutable std::shared_mutex mutex_;  // guards what follows
  CollectionState state_;
  std::unique_ptr<VectorIndex> vectors_;
  LexicalIndex words_;
  std::map<ChunkId, std::string> documents_;  // ids by first chunk
  Status broken_;                             // set when the indexes missed a commit

  mutable std::mutex view_mutex_;  // guards what follows; taken last
  // From before a commit on its way, else null. Shared with the calls that read meanwhile.
  std::shared_ptr<const StoreView> pinned_;
};

}  // namespace quire::retrieval
