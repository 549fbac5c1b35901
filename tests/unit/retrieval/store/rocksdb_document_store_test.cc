#include "retrieval/store/rocksdb_document_store.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;
using ::testing::ElementsAre;

namespace fs = std::filesystem;

constexpr std::int32_t kStoredDimension = 4;

// A document with `num_chunks` chunks of 100 bytes of text each.
struct Sample {
  DocumentRecord record;
  DocumentContent content;
};

Sample MakeSample(const std::string& id, std::uint64_t first_chunk, std::int32_t num_chunks,
                  char letter = 'a') {
  Sample sample;
  sample.record = {.id = id,
                   .title = id,
                   .media_type = "text/plain",
                   .sha256 = {},
                   .size_bytes = num_chunks * 100,
                   .text_bytes = num_chunks * 100,
                   .metadata = {},
                   .version = 1,
                   .commit = 1,
                   .create_time_us = 0,
                   .first_chunk = ChunkId{first_chunk},
                   .num_chunks = num_chunks};
  for (std::int32_t i = 0; i < num_chunks; ++i) {
    std::string text = std::to_string(i);
    text.resize(100, letter);
    sample.content.text += text;
    sample.content.chunks.push_back({i * 100, i * 100 + 100, i, {"H" + std::to_string(i)}});
    for (std::int32_t d = 0; d < kStoredDimension; ++d) {
      sample.content.embeddings.push_back(static_cast<float>(i * kStoredDimension + d));
    }
  }
  return sample;
}

class RocksDbDocumentStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    auto opened = OpenRocksDbDocumentStore(directory(), {.min_free_bytes = 0});
    ASSERT_THAT(opened, IsOk());
    store_ = *std::move(opened);
  }
  std::string directory() const { return (folder_.path() / "store").string(); }

  CollectionRecord NewCollection(const std::string& id) {
    CollectionRecord record{.id = id,
                            .number = {},
                            .embedding_model = "m",
                            .embedding_fingerprint = "f",
                            .embedding_dimension = kStoredDimension,
                            .chunk_tokens = 200,
                            .overlap_tokens = 25,
                            .create_time_us = 5};
    EXPECT_THAT(store_->CreateCollection(record), IsOk());
    return record;
  }

  Status Put(const CollectionRecord& collection, const Sample& sample,
             std::optional<DocumentRecord> removed = std::nullopt) {
    const DocumentChange change{
        .removed = std::move(removed), .added = sample.record, .content = &sample.content};
    return store_->Commit(collection.number, {.commit = 1}, std::span(&change, 1));
  }

  std::unique_ptr<StoreView> View() {
    auto view = store_->NewView();
    EXPECT_THAT(view, IsOk());
    return *std::move(view);
  }

  // All that a view shows of a document, checked against the sample.
  void ExpectStored(const CollectionRecord& collection, const Sample& sample) {
    const auto view = View();
    const auto record = view->GetDocument(collection.number, sample.record.id);
    ASSERT_THAT(record, IsOk());
    EXPECT_EQ(record->first_chunk, sample.record.first_chunk);
    const auto text = view->ReadText(collection.number, *record, 0, record->text_bytes);
    ASSERT_THAT(text, IsOk());
    EXPECT_EQ(*text, sample.content.text);
    const auto chunks = view->ReadChunks(collection.number, *record, 0, record->num_chunks);
    ASSERT_THAT(chunks, IsOk());
    EXPECT_EQ(chunks->back().end, sample.content.chunks.back().end);
    EXPECT_EQ(chunks->back().headings, sample.content.chunks.back().headings);
    const auto embeddings = view->ReadEmbeddings(collection.number, *record, kStoredDimension);
    ASSERT_THAT(embeddings, IsOk());
    EXPECT_EQ(*embeddings, sample.content.embeddings);
  }

  const quire::testing::TemporaryDirectory folder_;
  std::unique_ptr<DocumentStore> store_;
};

TEST_F(RocksDbDocumentStoreTest, KeepsCollectionsAndDocumentsOverARestart) {
  const CollectionRecord b = NewCollection("b");
  const CollectionRecord a = NewCollection("a");
  const Sample sample = MakeSample("doc", 7, 700);  // several blocks of text and of vectors
  ASSERT_THAT(Put(a, sample), IsOk());
  Reopen();
  const auto collections = store_->ListCollections();
  ASSERT_THAT(collections, IsOk());
  ASSERT_EQ(collections->size(), 2u);
  EXPECT_EQ((*collections)[0].id, "a");
  EXPECT_EQ((*collections)[0].number, a.number);
  EXPECT_EQ((*collections)[1].create_time_us, 5);
  EXPECT_EQ(store_->GetState(a.number)->commit, 1);
  EXPECT_EQ(store_->GetState(b.number)->commit, 0);
  ExpectStored(a, sample);
  EXPECT_THAT(View()->GetDocument(b.number, "doc"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(RocksDbDocumentStoreTest, ReadsAnyRangeOfText) {
  const CollectionRecord collection = NewCollection("c");
  const Sample sample = MakeSample("doc", 0, 400);  // 40,000 bytes: blocks end at 16,384 and 32,768
  ASSERT_THAT(Put(collection, sample), IsOk());
  const auto view = View();
  constexpr std::int64_t kPositions[] = {0, 1, 16'383, 16'384, 16'385, 32'768, 39'999, 40'000};
  for (const std::int64_t start : kPositions) {
    for (const std::int64_t end : kPositions) {
      if (end < start) continue;
      const auto text = view->ReadText(collection.number, sample.record, start, end);
      ASSERT_THAT(text, IsOk());
      EXPECT_EQ(*text, sample.content.text.substr(static_cast<std::size_t>(start),
                                                  static_cast<std::size_t>(end - start)));
    }
  }
}

TEST_F(RocksDbDocumentStoreTest, ReadsAnyRangeOfChunks) {
  const CollectionRecord collection = NewCollection("c");
  const Sample sample = MakeSample("doc", 1'000, 10);
  ASSERT_THAT(Put(collection, sample), IsOk());
  const auto chunks = View()->ReadChunks(collection.number, sample.record, 8, 2);
  ASSERT_THAT(chunks, IsOk());
  ASSERT_EQ(chunks->size(), 2u);
  EXPECT_EQ((*chunks)[0].start, 800);
  EXPECT_EQ((*chunks)[1].num_tokens, 9);
}

TEST_F(RocksDbDocumentStoreTest, ReplacingLeavesNothingOfTheOldVersion) {
  const CollectionRecord collection = NewCollection("c");
  const Sample old_version = MakeSample("doc", 0, 200, 'x');
  ASSERT_THAT(Put(collection, old_version), IsOk());
  const auto before = View();
  const Sample new_version = MakeSample("doc", 200, 3, 'y');
  ASSERT_THAT(Put(collection, new_version, old_version.record), IsOk());
  ExpectStored(collection, new_version);
  const auto after = View();
  EXPECT_THAT(after->ReadChunks(collection.number, old_version.record, 0, 200),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(after->ReadText(collection.number, old_version.record, 0, 100),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(after->ReadEmbeddings(collection.number, old_version.record, kStoredDimension),
              HasCode(absl::StatusCode::kDataLoss));
  // A view from before still shows all of it.
  const auto text = before->ReadText(collection.number, old_version.record, 0, 20'000);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, old_version.content.text);
}

TEST_F(RocksDbDocumentStoreTest, VersionsOutliveTheirDocument) {
  const CollectionRecord collection = NewCollection("c");
  EXPECT_EQ(*View()->LastVersion(collection.number, "doc"), 0);
  Sample sample = MakeSample("doc", 0, 1);
  sample.record.version = 4;
  ASSERT_THAT(Put(collection, sample), IsOk());
  const DocumentChange deletion{.removed = sample.record, .added = {}, .content = nullptr};
  ASSERT_THAT(store_->Commit(collection.number, {.commit = 2}, std::span(&deletion, 1)), IsOk());
  EXPECT_THAT(View()->GetDocument(collection.number, "doc"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(*View()->LastVersion(collection.number, "doc"), 4);
  EXPECT_EQ(store_->GetState(collection.number)->commit, 2);
}

TEST_F(RocksDbDocumentStoreTest, ListsDocumentsInPagesByIdWithinTheirCollection) {
  const CollectionRecord other = NewCollection("a");
  const CollectionRecord collection = NewCollection("c");
  ASSERT_THAT(Put(other, MakeSample("zzz", 0, 1)), IsOk());
  std::uint64_t chunk = 0;
  for (const char* id : {"b", "a", "a.b", "aa", "c"}) {
    ASSERT_THAT(Put(collection, MakeSample(id, chunk++, 1)), IsOk());
  }
  const auto ids = [&](const std::string& after, std::int64_t limit) {
    std::vector<std::string> found;
    const auto documents = View()->ListDocuments(collection.number, after, limit);
    EXPECT_THAT(documents, IsOk());
    for (const DocumentRecord& document : *documents) found.push_back(document.id);
    return found;
  };
  EXPECT_THAT(ids("", 2), ElementsAre("a", "a.b"));
  EXPECT_THAT(ids("a.b", 2), ElementsAre("aa", "b"));
  EXPECT_THAT(ids("b", 100), ElementsAre("c"));
  EXPECT_THAT(ids("c", 100), ElementsAre());
  EXPECT_THAT(ids("", 0), ElementsAre());
}

TEST_F(RocksDbDocumentStoreTest, ADeletedCollectionLeavesNothingToALaterOne) {
  const CollectionRecord first = NewCollection("c");
  ASSERT_THAT(Put(first, MakeSample("doc", 0, 5)), IsOk());
  ASSERT_THAT(store_->DeleteCollection(first), IsOk());
  EXPECT_TRUE(store_->ListCollections()->empty());
  Reopen();
  const CollectionRecord second = NewCollection("c");
  EXPECT_NE(second.number, first.number);
  for (const CollectionNumber number : {first.number, second.number}) {
    EXPECT_THAT(View()->GetDocument(number, "doc"), HasCode(absl::StatusCode::kNotFound));
    EXPECT_EQ(*View()->LastVersion(number, "doc"), 0);
  }
}

TEST_F(RocksDbDocumentStoreTest, ASecondOwnerIsRefused) {
  EXPECT_THAT(OpenRocksDbDocumentStore(directory(), {}),
              FailsWith(absl::StatusCode::kFailedPrecondition, "in use"));
}

TEST_F(RocksDbDocumentStoreTest, AFullDiskRefusesDocumentsButNotDeletions) {
  const CollectionRecord collection = NewCollection("c");
  const Sample sample = MakeSample("doc", 0, 1);
  ASSERT_THAT(Put(collection, sample), IsOk());
  store_.reset();
  auto opened = OpenRocksDbDocumentStore(
      directory(), {.min_free_bytes = std::numeric_limits<std::int64_t>::max() / 2});
  ASSERT_THAT(opened, IsOk());
  store_ = *std::move(opened);
  const Status refused = Put(collection, MakeSample("more", 1, 1));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(IsDiskFull(refused));
  const DocumentChange deletion{.removed = sample.record, .added = {}, .content = nullptr};
  EXPECT_THAT(store_->Commit(collection.number, {.commit = 2}, std::span(&deletion, 1)), IsOk());
}

// The store as a crash leaves it: its files copied while it is open, so that the log is not empty.
class RocksDbCrashTest : public RocksDbDocumentStoreTest {
 protected:
  static constexpr int kDocuments = 20;

  void SetUp() override {
    RocksDbDocumentStoreTest::SetUp();
    collection_ = NewCollection("c");
    for (int i = 0; i < kDocuments; ++i) {
      const auto first = static_cast<std::uint64_t>(i) * 10;
      ASSERT_THAT(Put(collection_, MakeSample("doc" + std::to_string(i), first, 10)), IsOk());
    }
    fs::copy(directory(), Copy(), fs::copy_options::recursive);
    store_.reset();
  }
  fs::path Copy() const { return folder_.path() / "copy"; }

  fs::path LogFile() const {
    for (const auto& entry : fs::directory_iterator(Copy() / "rocksdb")) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) return entry.path();
    }
    ADD_FAILURE() << "no log file in " << Copy();
    return {};
  }

  CollectionRecord collection_;
};

TEST_F(RocksDbCrashTest, WhatWasCommittedIsThereAfterTheCrash) {
  auto opened = OpenRocksDbDocumentStore(Copy().string(), {.min_free_bytes = 0});
  ASSERT_THAT(opened, IsOk());
  store_ = *std::move(opened);
  for (int i = 0; i < kDocuments; ++i) {
    const auto first = static_cast<std::uint64_t>(i) * 10;
    ExpectStored(collection_, MakeSample("doc" + std::to_string(i), first, 10));
  }
}

TEST_F(RocksDbCrashTest, AFlippedBitInTheLogIsNoticed) {
  const fs::path log = LogFile();
  const auto size = static_cast<std::int64_t>(fs::file_size(log));
  // The last record may be unfinished business of the crash; all before it was acknowledged.
  for (int i = 0; i < 16; ++i) {
    const std::int64_t position = size * i / 18 + 3;
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(position);
    const int byte = file.get();
    file.seekp(position);
    file.put(static_cast<char>(byte ^ 0x10));
    file.close();
    EXPECT_THAT(OpenRocksDbDocumentStore(Copy().string(), {}), HasCode(absl::StatusCode::kDataLoss))
        << "bit flipped at " << position << " of " << size;
    std::fstream repair(log, std::ios::in | std::ios::out | std::ios::binary);
    repair.seekp(position);
    repair.put(static_cast<char>(byte));
  }
}

TEST_F(RocksDbCrashTest, AnUnfinishedRecordAtTheEndIsDroppedWhole) {
  const fs::path log = LogFile();
  fs::resize_file(log, fs::file_size(log) - 10);
  auto opened = OpenRocksDbDocumentStore(Copy().string(), {.min_free_bytes = 0});
  ASSERT_THAT(opened, IsOk());
  store_ = *std::move(opened);
  const auto documents = View()->ListDocuments(collection_.number, "", 100);
  ASSERT_THAT(documents, IsOk());
  EXPECT_EQ(documents->size(), static_cast<std::size_t>(kDocuments - 1));
}

}  // namespace
}  // namespace quire::retrieval
