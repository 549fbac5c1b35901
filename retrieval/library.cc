#include "retrieval/library.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace quire::retrieval {
namespace {

bool IsSame(const DocumentRecord& stored, const NewDocument& uploaded) {
  return stored.sha256 == uploaded.sha256 && stored.title == uploaded.title &&
         stored.media_type == MediaTypeName(uploaded.media_type) &&
         stored.metadata == uploaded.metadata;
}

StatusOr<std::vector<float>> EmbedQuery(const CollectionRecord& collection, std::string_view text,
                                        Embedder& embedder) {
  QUIRE_ASSIGN_OR_RETURN(
      Embedder::Result result,
      embedder.Embed(collection.embedding_model, std::span(&text, 1), Embedder::InputType::kQuery));
  QUIRE_RETURN_IF_ERROR(CheckFingerprint(collection, result.fingerprint));
  return std::move(result.vectors);
}

StatusOr<ChunkWithText> ReadChunk(const StoreView& view, CollectionNumber collection,
                                  const DocumentRecord& document, std::int32_t index) {
  QUIRE_ASSIGN_OR_RETURN(std::vector<ChunkRecord> chunks,
                         view.ReadChunks(collection, document, index, 1));
  ChunkWithText chunk{.index = index, .chunk = std::move(chunks.front()), .text = {}};
  QUIRE_ASSIGN_OR_RETURN(chunk.text,
                         view.ReadText(collection, document, chunk.chunk.start, chunk.chunk.end));
  return chunk;
}

}  // namespace

Library::Library(std::unique_ptr<DocumentStore> store, LibraryOptions options)
    : store_(std::move(store)), options_(std::move(options)) {}

StatusOr<std::unique_ptr<Library>> Library::Open(std::unique_ptr<DocumentStore> store,
                                                 LibraryOptions options, const Progress& progress) {
  std::unique_ptr<Library> library(new Library(std::move(store), std::move(options)));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> records,
                         library->store_->ListCollections());
  std::int64_t total = 0;
  for (const CollectionRecord& record : records) {
    QUIRE_ASSIGN_OR_RETURN(const CollectionState state, library->store_->GetState(record.number));
    total += state.num_documents;
  }
  std::int64_t done = 0;
  const auto count = [&] {
    ++done;
    if (progress) progress(done, total);
  };
  for (const CollectionRecord& record : records) {
    QUIRE_ASSIGN_OR_RETURN(
        library->collections_[record.id],
        Collection::Load(record, *library->store_, library->options_.new_vector_index, count));
  }
  return library;
}

StatusOr<std::shared_ptr<Collection>> Library::Find(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = collections_.find(id);
  if (found == collections_.end()) return NotFound("collection {}: not there", id);
  return found->second;
}

StatusOr<CollectionSummary> Library::CreateCollection(CollectionRecord record) {
  const std::lock_guard create_lock(create_mutex_);
  if (Find(record.id).ok()) return AlreadyExists("collection {}: there already", record.id);
  record.create_time_us = options_.now_us();
  QUIRE_RETURN_IF_ERROR(store_->CreateCollection(record));
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection,
                         Collection::Load(record, *store_, options_.new_vector_index, {}));
  const std::unique_lock lock(mutex_);
  collections_[record.id] = collection;
  return CollectionSummary{record, collection->state()};
}

StatusOr<CollectionSummary> Library::GetCollection(const std::string& id) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(id));
  return CollectionSummary{collection->record(), collection->state()};
}

std::vector<CollectionSummary> Library::ListCollections(const std::string& after,
                                                        std::int64_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<CollectionSummary> page;
  for (auto next = collections_.upper_bound(after);
       next != collections_.end() && static_cast<std::int64_t>(page.size()) < limit; ++next) {
    page.push_back({next->second->record(), next->second->state()});
  }
  return page;
}

Status Library::DeleteCollection(const std::string& id, bool force) {
  const std::lock_guard create_lock(create_mutex_);
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(id));
  QUIRE_RETURN_IF_ERROR(collection->Drop(force));
  const std::unique_lock lock(mutex_);
  collections_.erase(id);
  return OkStatus();
}

StatusOr<AddedDocument> Library::AddDocument(const std::string& collection_id, NewDocument document,
                                             Embedder& embedder) {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  const auto stored = GetDocument(collection_id, document.id);
  if (stored.ok() && IsSame(*stored, document)) {
    return AddedDocument{.document = *stored, .unchanged = true};
  }
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  QUIRE_ASSIGN_OR_RETURN(
      PreparedDocument prepared,
      PrepareDocument(std::move(document), collection->record(), embedder, collection->words()));
  AddedDocument added;
  QUIRE_ASSIGN_OR_RETURN(added.document, collection->Put(std::move(prepared), options_.now_us()));
  return added;
}

StatusOr<std::int64_t> Library::DeleteDocument(const std::string& collection_id,
                                               const std::string& id) {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  return collection->Delete(id);
}

StatusOr<DocumentRecord> Library::GetDocument(const std::string& collection_id,
                                              const std::string& id) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<const StoreView> view, collection->View());
  return view->GetDocument(collection->record().number, id);
}

StatusOr<std::vector<DocumentRecord>> Library::ListDocuments(const std::string& collection_id,
                                                             const std::string& after,
                                                             std::int64_t limit) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<const StoreView> view, collection->View());
  return view->ListDocuments(collection->record().number, after, limit);
}

StatusOr<TextRange> Library::ReadText(const std::string& collection_id, const std::string& id,
                                      std::int64_t offset, std::int64_t limit) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<const StoreView> view, collection->View());
  const CollectionNumber number = collection->record().number;
  TextRange range;
  QUIRE_ASSIGN_OR_RETURN(range.document, view->GetDocument(number, id));
  const std::int64_t text_bytes = range.document.text_bytes;
  if (offset > text_bytes) {
    return OutOfRange("offset: wanted at most {}, have {}", text_bytes, offset);
  }
  const std::int64_t end = offset + std::min(limit, text_bytes - offset);
  QUIRE_ASSIGN_OR_RETURN(range.text, view->ReadText(number, range.document, offset, end));
  if (!range.text.empty() && IsUtf8Continuation(range.text[0])) {
    return InvalidArgument("offset: wanted the start of a character, have {} inside one", offset);
  }
  if (end < text_bytes) {
    range.text.resize(range.text.size() - IncompleteUtf8Suffix(range.text));
    if (range.text.empty()) {
      return InvalidArgument("limit: wanted room for the character at byte {}, have {} bytes",
                             offset, limit);
    }
  }
  return range;
}

StatusOr<ChunkPage> Library::ListChunks(const std::string& collection_id, const std::string& id,
                                        std::int32_t first, std::int32_t limit) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<const StoreView> view, collection->View());
  const CollectionNumber number = collection->record().number;
  ChunkPage page;
  QUIRE_ASSIGN_OR_RETURN(page.document, view->GetDocument(number, id));
  const std::int32_t count = std::min(limit, std::max(page.document.num_chunks - first, 0));
  if (count == 0) return page;
  QUIRE_ASSIGN_OR_RETURN(std::vector<ChunkRecord> chunks,
                         view->ReadChunks(number, page.document, first, count));
  // One read for all: neighbouring chunks share most of their blocks.
  const std::int64_t start = chunks.front().start;
  const std::int64_t end = std::ranges::max(chunks, {}, &ChunkRecord::end).end;
  QUIRE_ASSIGN_OR_RETURN(const std::string text, view->ReadText(number, page.document, start, end));
  for (std::int32_t i = 0; i < count; ++i) {
    ChunkRecord& chunk = chunks[static_cast<std::size_t>(i)];
    std::string part = text.substr(static_cast<std::size_t>(chunk.start - start),
                                   static_cast<std::size_t>(chunk.end - chunk.start));
    page.chunks.push_back({.index = first + i, .chunk = std::move(chunk), .text = std::move(part)});
  }
  return page;
}

StatusOr<SearchResult> Library::Search(const std::string& collection_id, const SearchQuery& query,
                                       Embedder& embedder) const {
  QUIRE_ASSIGN_OR_RETURN(const std::shared_ptr<Collection> collection, Find(collection_id));
  RankingQuery ranking{.mode = query.mode, .text = query.text, .vector = {}, .top_k = query.top_k};
  if (query.mode != SearchMode::kLexical) {
    QUIRE_ASSIGN_OR_RETURN(ranking.vector, EmbedQuery(collection->record(), query.text, embedder));
  }
  QUIRE_ASSIGN_OR_RETURN(
      const Collection::SearchResult searched,
      collection->Search(std::move(ranking), query.documents, query.group_by_document));
  const CollectionNumber number = collection->record().number;
  SearchResult result{.hits = {}, .commit = searched.commit};
  std::map<std::string, std::shared_ptr<const DocumentRecord>> documents;
  for (const Collection::Found& found : searched.found) {
    auto& document = documents[found.document_id];
    if (document == nullptr) {
      QUIRE_ASSIGN_OR_RETURN(DocumentRecord record,
                             searched.view->GetDocument(number, found.document_id));
      document = std::make_shared<const DocumentRecord>(std::move(record));
    }
    QUIRE_ASSIGN_OR_RETURN(ChunkWithText chunk,
                           ReadChunk(*searched.view, number, *document, found.index));
    result.hits.push_back(
        {.document = document, .chunk = std::move(chunk), .ranked = found.ranked});
  }
  return result;
}

}  // namespace quire::retrieval
