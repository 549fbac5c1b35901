#include "retrieval/library.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "retrieval/index/faiss_index.h"
#include "retrieval/store/rocksdb_document_store.h"
#include "tests/support/failing_document_store.h"
#include "tests/support/hash_embedder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailingDocumentStore;
using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::HashEmbedder;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;

constexpr SearchMode kModes[] = {SearchMode::kDense, SearchMode::kLexical, SearchMode::kHybrid};

NewDocument MakeDocument(const std::string& id, const std::string& text) {
  return {.id = id,
          .title = id,
          .media_type = MediaType::kPlainText,
          .bytes = text,
          .sha256 = "sha of " + text,
          .metadata = {}};
}

class LibraryTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    library_.reset();
    auto store =
        OpenRocksDbDocumentStore((folder_.path() / "store").string(), {.min_free_bytes = 0});
    ASSERT_THAT(store, IsOk());
    auto failing = std::make_unique<FailingDocumentStore>(*std::move(store));
    store_ = failing.get();
    progress_.clear();
    auto opened = Library::Open(
        std::move(failing),
        {.new_vector_index = make_index_, .now_us = [this] { return now_us_++; }},
        [this](std::int64_t done, std::int64_t total) { progress_.emplace_back(done, total); });
    ASSERT_THAT(opened, IsOk());
    library_ = *std::move(opened);
  }

  void Create(const std::string& id) {
    ASSERT_THAT(library_->CreateCollection({.id = id,
                                            .number = {},
                                            .embedding_model = "models/hash",
                                            .embedding_fingerprint = embedder_.fingerprint,
                                            .embedding_dimension = embedder_.dimension,
                                            .chunk_tokens = 8,
                                            .overlap_tokens = 0,
                                            .create_time_us = 0}),
                IsOk());
  }

  StatusOr<AddedDocument> Add(const std::string& id, const std::string& text) {
    return library_->AddDocument("c", MakeDocument(id, text), embedder_);
  }

  StatusOr<SearchResult> Search(const std::string& text, SearchMode mode,
                                std::vector<std::string> documents = {}) {
    SearchQuery query{.text = text, .mode = mode};
    query.documents = std::move(documents);
    return library_->Search("c", query, embedder_);
  }

  // "document: text" of each hit.
  std::vector<std::string> Hits(const std::string& text, SearchMode mode) {
    std::vector<std::string> hits;
    const auto result = Search(text, mode);
    EXPECT_THAT(result, IsOk());
    for (const SearchHit& hit : result->hits)
      hits.push_back(hit.document->id + ": " + hit.chunk.text);
    return hits;
  }

  const quire::testing::TemporaryDirectory folder_;
  HashEmbedder embedder_;
  VectorIndexFactory make_index_ = NewFaissIndex;
  std::int64_t now_us_ = 1'000;
  FailingDocumentStore* store_ = nullptr;
  std::vector<std::pair<std::int64_t, std::int64_t>> progress_;
  std::unique_ptr<Library> library_;
};

TEST_F(LibraryTest, AnUploadIsFoundInEveryModeWhenItReturns) {
  Create("c");
  const auto added = Add("a", "Wings give lift. Tails give balance and control to it all.");
  ASSERT_THAT(added, IsOk());
  EXPECT_EQ(added->document.version, 1);
  EXPECT_EQ(added->document.commit, 1);
  EXPECT_EQ(added->document.num_chunks, 2);
  for (const SearchMode mode : kModes) {
    EXPECT_EQ(Hits("wings give lift", mode).front(), "a: Wings give lift.");
    EXPECT_EQ(Search("wings", mode)->commit, 1);
  }
  const auto summary = library_->GetCollection("c");
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->state.num_documents, 1);
  EXPECT_EQ(summary->state.num_chunks, 2);
}

TEST_F(LibraryTest, ReplacingADocumentLeavesTheNewOneAlone) {
  Create("c");
  ASSERT_THAT(Add("a", "apples are red"), IsOk());
  const auto replaced = Add("a", "pears are green");
  ASSERT_THAT(replaced, IsOk());
  EXPECT_EQ(replaced->document.version, 2);
  EXPECT_EQ(replaced->document.commit, 2);
  EXPECT_THAT(Hits("apples", SearchMode::kLexical), ElementsAre());
  for (const SearchMode mode : kModes) {
    EXPECT_THAT(Hits("green pears", mode), ElementsAre("a: pears are green"));
  }
  EXPECT_EQ(library_->ReadText("c", "a", 0, 100)->text, "pears are green");
  EXPECT_EQ(library_->GetCollection("c")->state.num_documents, 1);
}

TEST_F(LibraryTest, AnUnchangedDocumentIsNotWrittenOrEmbedded) {
  Create("c");
  ASSERT_THAT(Add("a", "apples are red"), IsOk());
  const std::int64_t num_embedded = embedder_.num_embedded;
  embedder_.status = Unavailable("away");
  const auto again = Add("a", "apples are red");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->unchanged);
  EXPECT_EQ(again->document.version, 1);
  EXPECT_EQ(embedder_.num_embedded, num_embedded);
  embedder_.status = OkStatus();
  NewDocument renamed = MakeDocument("a", "apples are red");
  renamed.title = "Fruit";
  const auto titled = library_->AddDocument("c", renamed, embedder_);
  ASSERT_THAT(titled, IsOk());
  EXPECT_FALSE(titled->unchanged);
  EXPECT_EQ(titled->document.version, 2);
}

TEST_F(LibraryTest, ADeletedDocumentIsGoneAndItsVersionsGoOn) {
  Create("c");
  ASSERT_THAT(Add("a", "apples are red"), IsOk());
  const auto commit = library_->DeleteDocument("c", "a");
  ASSERT_THAT(commit, IsOk());
  EXPECT_EQ(*commit, 2);
  for (const SearchMode mode : kModes) EXPECT_THAT(Hits("apples", mode), ElementsAre());
  EXPECT_THAT(library_->GetDocument("c", "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(library_->DeleteDocument("c", "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(library_->GetCollection("c")->state.commit, 2);
  EXPECT_EQ(Add("a", "apples are red")->document.version, 2);
}

TEST_F(LibraryTest, ARestartRebuildsTheSameIndexes) {
  Create("c");
  Create("empty");
  for (int i = 0; i < 40; ++i) {
    ASSERT_THAT(
        Add("d" + std::to_string(i % 15), "word" + std::to_string(i % 7) + " common. Text " +
                                              std::to_string(i) + " of the document."),
        IsOk());
  }
  ASSERT_THAT(library_->DeleteDocument("c", "d3"), IsOk());
  const auto fingerprint = [&] {
    std::vector<std::string> lines;
    for (const char* query : {"word1 common", "text 12", "document", "word6"}) {
      for (const SearchMode mode : kModes) {
        const auto result = Search(query, mode);
        for (const SearchHit& hit : result->hits) {
          lines.push_back(fmt::format("{} {} {} {} {}", hit.document->id, hit.document->version,
                                      hit.chunk.index, hit.chunk.text, hit.ranked.score));
        }
        lines.push_back(std::to_string(result->commit));
      }
    }
    return lines;
  };
  const auto before = fingerprint();
  Reopen();
  EXPECT_EQ(fingerprint(), before);
  EXPECT_EQ(progress_.size(), 14u);
  EXPECT_EQ(progress_.back(), (std::pair<std::int64_t, std::int64_t>(14, 14)));
  const auto added = Add("new", "after the restart");
  ASSERT_THAT(added, IsOk());
  EXPECT_EQ(added->document.commit, 42);
}

TEST_F(LibraryTest, AFailedCommitChangesNothing) {
  Create("c");
  ASSERT_THAT(Add("a", "apples are red"), IsOk());
  store_->commit_error = DiskFull("disk");
  EXPECT_TRUE(IsDiskFull(Add("a", "pears are green").status()));
  EXPECT_TRUE(IsDiskFull(Add("b", "plums are blue").status()));
  EXPECT_TRUE(IsDiskFull(library_->DeleteDocument("c", "a").status()));
  store_->commit_error = OkStatus();
  for (const SearchMode mode : kModes) {
    EXPECT_THAT(Hits("red apples", mode), ElementsAre("a: apples are red"));
  }
  EXPECT_EQ(library_->GetCollection("c")->state.commit, 1);
  const auto replaced = Add("a", "pears are green");
  ASSERT_THAT(replaced, IsOk());
  EXPECT_EQ(replaced->document.commit, 2);
}

TEST_F(LibraryTest, BetweenDiskAndIndexReadersSeeTheStateBefore) {
  Create("c");
  ASSERT_THAT(Add("a", "apples are red"), IsOk());
  int num_looks = 0;
  store_->after_commit = [&] {
    ++num_looks;
    for (const SearchMode mode : kModes) {
      EXPECT_THAT(Hits("red apples", mode), ElementsAre("a: apples are red"));
      EXPECT_EQ(Search("apples", mode)->commit, 1);
    }
    EXPECT_EQ(library_->ReadText("c", "a", 0, 100)->text, "apples are red");
    EXPECT_EQ(library_->GetDocument("c", "a")->version, 1);
  };
  ASSERT_THAT(Add("a", "pears are green"), IsOk());
  store_->after_commit = nullptr;
  EXPECT_EQ(num_looks, 1);
  EXPECT_THAT(Hits("green pears", SearchMode::kLexical), ElementsAre("a: pears are green"));
}

TEST_F(LibraryTest, AReaderNeverSeesADocumentMissingWhileItIsReplaced) {
  Create("c");
  ASSERT_THAT(Add("a", "version 0 of the text"), IsOk());
  std::atomic<bool> stop = false;
  std::atomic<int> num_reads = 0;
  std::thread reader([&] {
    while (!stop) {
      const auto hits = Hits("text", SearchMode::kLexical);
      ASSERT_EQ(hits.size(), 1u);
      const auto text = library_->ReadText("c", "a", 0, 100);
      ASSERT_THAT(text, IsOk());
      EXPECT_EQ(text->text, fmt::format("version {} of the text", text->document.version - 1));
      ++num_reads;
    }
  });
  HashEmbedder embedder;
  for (int i = 1; i < 60 || num_reads < 20; ++i) {
    ASSERT_THAT(library_->AddDocument(
                    "c", MakeDocument("a", fmt::format("version {} of the text", i)), embedder),
                IsOk());
  }
  stop = true;
  reader.join();
}

TEST_F(LibraryTest, ConcurrentUploadsShareCommitsAndLoseNothing) {
  Create("c");
  constexpr int kThreads = 8;
  constexpr int kPerThread = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      HashEmbedder embedder;
      for (int i = 0; i < kPerThread; ++i) {
        // One id of all threads among the others.
        const std::string id = i == 0 ? "shared" : fmt::format("d{}-{}", t, i);
        const auto added = library_->AddDocument(
            "c", MakeDocument(id, fmt::format("unique{}x{} text", t, i)), embedder);
        ASSERT_THAT(added, IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  constexpr int kChanges = kThreads * kPerThread;
  const CollectionState state = library_->GetCollection("c")->state;
  EXPECT_EQ(state.commit, kChanges);
  EXPECT_EQ(state.num_documents, kChanges - kThreads + 1);
  EXPECT_EQ(library_->GetDocument("c", "shared")->version, kThreads);
  EXPECT_LE(store_->num_commits, kChanges);
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 1; i < kPerThread; ++i) {
      EXPECT_EQ(Hits(fmt::format("unique{}x{}", t, i), SearchMode::kLexical).size(), 1u);
    }
  }
}

TEST_F(LibraryTest, AnotherEmbeddingModelIsRefused) {
  Create("c");
  ASSERT_THAT(Add("a", "apples"), IsOk());
  embedder_.fingerprint = "hash-2";
  EXPECT_THAT(Add("b", "pears"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "fingerprint hash-1, have hash-2"));
  EXPECT_THAT(Search("apples", SearchMode::kDense), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Search("apples", SearchMode::kHybrid),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Hits("apples", SearchMode::kLexical), ElementsAre("a: apples"));
}

TEST_F(LibraryTest, WithoutTheEmbedderLexicalSearchGoesOn) {
  Create("c");
  ASSERT_THAT(Add("a", "apples"), IsOk());
  embedder_.status = Unavailable("away");
  EXPECT_THAT(Add("b", "pears"), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Search("apples", SearchMode::kDense), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Search("apples", SearchMode::kHybrid), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Hits("apples", SearchMode::kLexical), ElementsAre("a: apples"));
}

TEST_F(LibraryTest, SearchesInTheDocumentsNamed) {
  Create("c");
  for (const char* id : {"a", "b", "d"}) ASSERT_THAT(Add(id, std::string("fruit ") + id), IsOk());
  for (const SearchMode mode : kModes) {
    const auto result = Search("fruit", mode, {"d", "a"});
    ASSERT_THAT(result, IsOk());
    std::set<std::string> ids;
    for (const SearchHit& hit : result->hits) ids.insert(hit.document->id);
    EXPECT_EQ(ids, (std::set<std::string>{"a", "d"}));
  }
  EXPECT_THAT(Search("fruit", SearchMode::kLexical, {"a", "x"}),
              FailsWith(absl::StatusCode::kNotFound, "x"));
}

TEST_F(LibraryTest, CollectionsAreApart) {
  Create("c");
  Create("other");
  ASSERT_THAT(Add("a", "apples"), IsOk());
  EXPECT_TRUE(library_->Search("other", {.text = "apples", .mode = SearchMode::kLexical}, embedder_)
                  ->hits.empty());
  EXPECT_THAT(library_->GetDocument("other", "a"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(library_->GetDocument("none", "a"), HasCode(absl::StatusCode::kNotFound));
  const auto page = library_->ListCollections("c", 10);
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].record.id, "other");
  EXPECT_THAT(library_->CreateCollection(library_->GetCollection("c")->record),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST_F(LibraryTest, ACollectionWithDocumentsIsDeletedOnlyByForce) {
  Create("c");
  ASSERT_THAT(Add("a", "apples"), IsOk());
  EXPECT_THAT(library_->DeleteCollection("c", false),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(library_->DeleteCollection("c", true), IsOk());
  EXPECT_THAT(library_->GetCollection("c"), HasCode(absl::StatusCode::kNotFound));
  Create("c");
  for (const SearchMode mode : kModes) EXPECT_THAT(Hits("apples", mode), ElementsAre());
  EXPECT_EQ(Add("a", "apples")->document.version, 1) << "another collection, another count";
  Reopen();
  EXPECT_THAT(Hits("apples", SearchMode::kLexical), ElementsAre("a: apples"));
}

TEST_F(LibraryTest, TextIsReadInWholeCharacters) {
  Create("c");
  ASSERT_THAT(Add("a",
                  "a\xE2\x82\xAC"
                  "b"),
              IsOk());
  EXPECT_EQ(library_->ReadText("c", "a", 0, 100)->text,
            "a\xE2\x82\xAC"
            "b");
  EXPECT_EQ(library_->ReadText("c", "a", 0, 3)->text, "a");
  EXPECT_EQ(library_->ReadText("c", "a", 1, 3)->text, "\xE2\x82\xAC");
  EXPECT_EQ(library_->ReadText("c", "a", 5, 3)->text, "");
  EXPECT_THAT(library_->ReadText("c", "a", 2, 3),
              FailsWith(absl::StatusCode::kInvalidArgument, "offset"));
  EXPECT_THAT(library_->ReadText("c", "a", 1, 2),
              FailsWith(absl::StatusCode::kInvalidArgument, "limit"));
  EXPECT_THAT(library_->ReadText("c", "a", 6, 1), HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(LibraryTest, ChunksAreListedWithTheirText) {
  Create("c");
  std::string text;
  for (int i = 0; i < 30; ++i) text += fmt::format("Sentence {} has exactly seven words here. ", i);
  ASSERT_THAT(Add("a", text), IsOk());
  const auto page = library_->ListChunks("c", "a", 28, 10);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->chunks.size(), 2u);
  EXPECT_EQ(page->chunks[0].index, 28);
  EXPECT_EQ(page->chunks[1].text, "Sentence 29 has exactly seven words here.");
  EXPECT_EQ(text.substr(static_cast<std::size_t>(page->chunks[1].chunk.start),
                        page->chunks[1].text.size()),
            page->chunks[1].text);
  EXPECT_TRUE(library_->ListChunks("c", "a", 30, 10)->chunks.empty());
}

// An index that has no room for a second document.
class FullVectorIndex final : public VectorIndex {
 public:
  explicit FullVectorIndex(std::int32_t dimension) : index_(NewFaissIndex(dimension)) {}
  Status Add(std::span<const ChunkId> chunks, std::span<const float> embeddings) override {
    if (index_->size() > 0) return ResourceExhausted("full");
    return index_->Add(chunks, embeddings);
  }
  void Remove(std::span<const ChunkId> chunks) override { index_->Remove(chunks); }
  StatusOr<std::vector<Hit>> Search(std::span<const float> query, std::int64_t k,
                                    const ChunkFilter* filter) const override {
    return index_->Search(query, k, filter);
  }
  std::int32_t dimension() const override { return index_->dimension(); }
  std::int64_t size() const override { return index_->size(); }

 private:
  const std::unique_ptr<VectorIndex> index_;
};

TEST_F(LibraryTest, AnIndexThatMissedACommitAnswersNoMore) {
  make_index_ = [](std::int32_t dimension) { return std::make_unique<FullVectorIndex>(dimension); };
  Reopen();
  Create("c");
  ASSERT_THAT(Add("a", "apples"), IsOk());
  EXPECT_THAT(Add("b", "pears"), HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(Search("apples", SearchMode::kLexical), HasCode(absl::StatusCode::kInternal));
  make_index_ = NewFaissIndex;
  Reopen();
  EXPECT_THAT(Hits("pears", SearchMode::kLexical), ElementsAre("b: pears")) << "it was stored";
}

}  // namespace
}  // namespace quire::retrieval
