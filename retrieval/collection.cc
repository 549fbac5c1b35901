#include "retrieval/collection.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace quire::retrieval {
namespace {

// Content that a commit may hold besides its first document: enough to share the wait for the
// disk, too little to make anybody wait for somebody else's book.
constexpr std::size_t kMaxGroupBytes = std::size_t{8} << 20;

std::vector<ChunkId> ChunkIds(const DocumentRecord& document) {
  std::vector<ChunkId> ids(static_cast<std::size_t>(document.num_chunks));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = Advance(document.first_chunk, i);
  return ids;
}

std::size_t ContentBytes(const PreparedDocument* document) {
  if (document == nullptr) return 0;
  return document->content.text.size() + document->content.embeddings.size() * sizeof(float);
}

}  // namespace

Collection::Collection(const CollectionRecord& record, DocumentStore& store,
                       std::unique_ptr<VectorIndex> vectors)
    : record_(record),
      store_(store),
      queue_([this](std::span<Change* const> group) { CommitGroup(group); }, MayJoin),
      vectors_(std::move(vectors)) {}

StatusOr<std::shared_ptr<Collection>> Collection::Load(const CollectionRecord& record,
                                                       DocumentStore& store,
                                                       const VectorIndexFactory& new_vector_index,
                                                       const std::function<void()>& progress) {
  std::shared_ptr<Collection> collection(
      new Collection(record, store, new_vector_index(record.embedding_dimension)));
  QUIRE_RETURN_IF_ERROR(Annotate(collection->LoadDocuments(progress), "collection " + record.id));
  return collection;
}

Status Collection::LoadDocuments(const std::function<void()>& progress) {
  QUIRE_ASSIGN_OR_RETURN(state_, store_.GetState(record_.number));
  QUIRE_ASSIGN_OR_RETURN(const std::unique_ptr<StoreView> view, store_.NewView());
  constexpr std::int64_t kPage = 1'000;
  std::string after;
  std::int64_t num_chunks = 0;
  for (;;) {
    QUIRE_ASSIGN_OR_RETURN(const std::vector<DocumentRecord> page,
                           view->ListDocuments(record_.number, after, kPage));
    if (page.empty()) break;
    after = page.back().id;
    for (const DocumentRecord& document : page) {
      num_chunks += document.num_chunks;
      documents_.emplace(document.first_chunk, document.id);
    }
  }
  const auto num_documents = static_cast<std::int64_t>(documents_.size());
  if (num_documents != state_.num_documents || num_chunks != state_.num_chunks) {
    return DataLoss("store: wanted {} documents with {} chunks, have {} with {}",
                    state_.num_documents, state_.num_chunks, num_documents, num_chunks);
  }
  // By chunk id, the order in which the indexes take them.
  for (const auto& [first_chunk, id] : documents_) {
    QUIRE_RETURN_IF_ERROR(LoadDocument(*view, id));
    if (progress) progress();
  }
  return OkStatus();
}

Status Collection::LoadDocument(const StoreView& view, const std::string& id) {
  QUIRE_ASSIGN_OR_RETURN(const DocumentRecord document, view.GetDocument(record_.number, id));
  QUIRE_ASSIGN_OR_RETURN(
      const std::vector<float> embeddings,
      view.ReadEmbeddings(record_.number, document, record_.embedding_dimension));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<ChunkRecord> chunks,
                         view.ReadChunks(record_.number, document, 0, document.num_chunks));
  QUIRE_ASSIGN_OR_RETURN(const std::string text,
                         view.ReadText(record_.number, document, 0, document.text_bytes));
  std::vector<ChunkTerms> terms;
  terms.reserve(chunks.size());
  for (const ChunkRecord& chunk : chunks) {
    terms.push_back(words_.Analyze(std::string_view(text).substr(
        static_cast<std::size_t>(chunk.start), static_cast<std::size_t>(chunk.end - chunk.start))));
  }
  const std::vector<ChunkId> ids = ChunkIds(document);
  QUIRE_RETURN_IF_ERROR(vectors_->Add(ids, embeddings));
  words_.Add(ids, terms);
  return OkStatus();
}

CollectionState Collection::state() const {
  const auto lock = ReadLock();
  return state_;
}

StatusOr<DocumentRecord> Collection::Put(PreparedDocument document, std::int64_t now_us) {
  Change change{.document_id = document.record.id,
                .document = &document,
                .now_us = now_us,
                .status = OkStatus()};
  queue_.Run(change);
  QUIRE_RETURN_IF_ERROR(change.status);
  return std::move(document.record);
}

StatusOr<std::int64_t> Collection::Delete(const std::string& document_id) {
  Change change{.document_id = document_id, .status = OkStatus()};
  queue_.Run(change);
  QUIRE_RETURN_IF_ERROR(change.status);
  return change.commit;
}

Status Collection::Drop(bool force) {
  const std::lock_guard commit_lock(commit_mutex_);
  if (dropped_) return NotFound("collection {}: not there", record_.id);
  const std::int64_t num_documents = state().num_documents;
  if (num_documents > 0 && !force) {
    return FailedPrecondition("collection {}: wanted it without documents or force set, have {}",
                              record_.id, num_documents);
  }
  QUIRE_RETURN_IF_ERROR(store_.DeleteCollection(record_));
  dropped_ = true;
  return OkStatus();
}

bool Collection::MayJoin(std::span<Change* const> group, const Change& change) {
  std::size_t bytes = ContentBytes(change.document);
  for (const Change* other : group) {
    // The second change of a document has to see the first.
    if (other->document_id == change.document_id) return false;
    bytes += ContentBytes(other->document);
  }
  return bytes <= kMaxGroupBytes;
}

void Collection::CommitGroup(std::span<Change* const> group) {
  const std::lock_guard commit_lock(commit_mutex_);
  const auto fail_all = [&](const Status& status) {
    for (Change* change : group) change->status = status;
  };
  if (dropped_) return fail_all(NotFound("collection {}: not there", record_.id));
  auto made = store_.NewView();
  if (!made.ok()) return fail_all(made.status());
  const std::shared_ptr<const StoreView> view = *std::move(made);

  CollectionState next = state();
  std::vector<DocumentChange> planned;
  std::vector<Change*> changes;  // those planned, in step with `planned`
  for (Change* change : group) {
    auto plan = PlanChange(*view, *change, next);
    change->status = plan.status();
    if (!plan.ok()) continue;
    planned.push_back(*std::move(plan));
    changes.push_back(change);
  }
  if (planned.empty()) return;

  Pin(view);
  const Status committed = store_.Commit(record_.number, next, planned);
  const auto lock = WriteLock();
  Pin(nullptr);
  if (committed.ok()) state_ = next;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    changes[i]->status = committed.ok() ? Apply(planned[i], *changes[i]) : committed;
  }
}

// Reads what is there, gives the change its numbers and carries `state` forward. Leaves `state` as
// it was if it fails.
StatusOr<DocumentChange> Collection::PlanChange(const StoreView& view, Change& change,
                                                CollectionState& state) const {
  DocumentChange planned;
  auto current = view.GetDocument(record_.number, change.document_id);
  if (current.ok()) {
    planned.removed = *std::move(current);
  } else if (change.document == nullptr || !absl::IsNotFound(current.status())) {
    return current.status();
  }
  std::int64_t last_version = 0;
  if (change.document != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(last_version, view.LastVersion(record_.number, change.document_id));
  }
  change.commit = ++state.commit;
  if (planned.removed) {
    --state.num_documents;
    state.num_chunks -= planned.removed->num_chunks;
  }
  if (change.document == nullptr) return planned;
  DocumentRecord& record = change.document->record;
  record.version = last_version + 1;
  record.commit = change.commit;
  record.create_time_us = change.now_us;
  record.first_chunk = ChunkId{state.next_chunk};
  state.next_chunk += static_cast<std::uint64_t>(record.num_chunks);
  state.num_chunks += record.num_chunks;
  ++state.num_documents;
  planned.added = record;
  planned.content = &change.document->content;
  return planned;
}

// Takes a change that is on disk into the indexes. Requires: the write lock.
Status Collection::Apply(const DocumentChange& planned, const Change& change) {
  if (planned.removed) {
    const std::vector<ChunkId> ids = ChunkIds(*planned.removed);
    vectors_->Remove(ids);
    words_.Remove(ids);
    documents_.erase(planned.removed->first_chunk);
  }
  if (!planned.added) return OkStatus();
  const std::vector<ChunkId> ids = ChunkIds(*planned.added);
  if (const Status added = vectors_->Add(ids, planned.content->embeddings); !added.ok()) {
    // The store is ahead and nothing is lost; but searching on would hide a document.
    log::Error("collection {}: {}", record_.id, Message(added));
    broken_ = Internal("collection {}: index missed commit {}, restart to rebuild it", record_.id,
                       change.commit);
    return broken_;
  }
  words_.Add(ids, change.document->terms);
  documents_.emplace(planned.added->first_chunk, planned.added->id);
  return OkStatus();
}

void Collection::Pin(std::shared_ptr<const StoreView> view) {
  const std::lock_guard lock(view_mutex_);
  pinned_ = std::move(view);
}

// A commit pins its view before it writes, and lets go of it with the write lock held, when the
// indexes have followed. So with nothing pinned the store is where the indexes are.
StatusOr<std::shared_ptr<const StoreView>> Collection::View() const {
  const std::lock_guard lock(view_mutex_);
  if (pinned_ != nullptr) return pinned_;
  QUIRE_ASSIGN_OR_RETURN(std::unique_ptr<StoreView> view, store_.NewView());
  return std::shared_ptr<const StoreView>(std::move(view));
}

StatusOr<ChunkFilter> Collection::FilterFor(const StoreView& view,
                                            std::span<const std::string> documents) const {
  std::vector<ChunkFilter::Range> ranges;
  for (const std::string& id : documents) {
    QUIRE_ASSIGN_OR_RETURN(const DocumentRecord document, view.GetDocument(record_.number, id));
    ranges.push_back({document.first_chunk, static_cast<std::uint64_t>(document.num_chunks)});
  }
  return ChunkFilter(std::move(ranges));
}

std::map<ChunkId, std::string>::const_iterator Collection::DocumentOf(ChunkId chunk) const {
  return std::prev(documents_.upper_bound(chunk));
}

StatusOr<Collection::SearchResult> Collection::Search(RankingQuery query,
                                                      std::span<const std::string> documents,
                                                      bool group_by_document) const {
  const auto lock = ReadLock();
  QUIRE_RETURN_IF_ERROR(broken_);
  SearchResult result;
  result.commit = state_.commit;
  QUIRE_ASSIGN_OR_RETURN(result.view, View());
  std::optional<ChunkFilter> filter;
  if (!documents.empty()) {
    QUIRE_ASSIGN_OR_RETURN(filter, FilterFor(*result.view, documents));
    query.filter = &*filter;
  }
  if (group_by_document) {
    query.group = [&](ChunkId chunk) { return ToNumber(DocumentOf(chunk)->first); };
  }
  QUIRE_ASSIGN_OR_RETURN(const std::vector<RankedChunk> ranked,
                         RankChunks(*vectors_, words_, query));
  for (const RankedChunk& chunk : ranked) {
    const auto document = DocumentOf(chunk.chunk);
    result.found.push_back(
        {.ranked = chunk,
         .document_id = document->second,
         .index = static_cast<std::int32_t>(ToNumber(chunk.chunk) - ToNumber(document->first))});
  }
  return result;
}

std::shared_lock<std::shared_mutex> Collection::ReadLock() const {
  const std::lock_guard gate(gate_);
  return std::shared_lock(mutex_);
}

std::unique_lock<std::shared_mutex> Collection::WriteLock() const {
  const std::lock_guard gate(gate_);
  return std::unique_lock(mutex_);
}

}  // namespace quire::retrieval
