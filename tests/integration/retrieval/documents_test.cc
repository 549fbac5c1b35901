#include <filesystem>
#include <set>
#include <thread>

#include "services/retrieval/upload_receiver.h"
#include "services/server/error_details.h"
#include "tests/integration/retrieval/retrieval_fixture.h"

namespace quire::testing {
namespace {

using retrieval::v1::DocumentService;
using retrieval::v1::SEARCH_MODE_LEXICAL;
using services::ErrorMetadata;
using services::ErrorReason;
using services::FieldViolations;
using ::testing::ElementsAre;

constexpr auto kNotFound = absl::StatusCode::kNotFound;

class DocumentsTest : public RetrievalTest {
 protected:
  void SetUp() override {
    RetrievalTest::SetUp();
    ASSERT_THAT(Create("c"), IsOk());
  }
  static std::string Name(const std::string& id) { return "collections/c/documents/" + id; }
};

TEST_F(DocumentsTest, UploadReplaceAndDeleteAreVisibleAtOnce) {
  const auto first = Upload("c", "a", "Apples are red.");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->document().name(), Name("a"));
  EXPECT_EQ(first->document().version(), 1);
  EXPECT_EQ(first->document().commit(), 1);
  EXPECT_EQ(first->document().sha256(), Sha256Hex("Apples are red."));
  EXPECT_EQ(first->document().size_bytes(), 15);
  EXPECT_EQ(first->document().text_bytes(), 15);
  EXPECT_GT(first->document().create_time().seconds(), 1'600'000'000);
  for (const auto mode : kSearchModes) {
    EXPECT_THAT(Hits("red apples", mode), ElementsAre("a|Apples are red."));
  }

  const auto second = Upload("c", "a", "Pears are green.");
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->document().version(), 2);
  for (const auto mode : kSearchModes) {
    EXPECT_THAT(Hits("green pears", mode), ElementsAre("a|Pears are green."));
  }
  EXPECT_THAT(Hits("apples", SEARCH_MODE_LEXICAL), ElementsAre());
  EXPECT_EQ(Read(Name("a"))->text(), "Pears are green.");

  const auto deleted = Delete(Name("a"));
  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->commit(), 3);
  for (const auto mode : kSearchModes) EXPECT_THAT(Hits("pears", mode), ElementsAre());
  EXPECT_THAT(Get(Name("a")), HasCode(kNotFound));
  EXPECT_THAT(Read(Name("a")), HasCode(kNotFound));
  EXPECT_THAT(Delete(Name("a")), HasCode(kNotFound));
}

TEST_F(DocumentsTest, TheSameUploadTwiceIsStoredOnce) {
  ASSERT_THAT(Upload("c", "a", "Apples are red."), IsOk());
  const std::int64_t num_embedded = inference_.num_embedded;
  const auto again = Upload("c", "a", "Apples are red.");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->document().version(), 1);
  EXPECT_EQ(inference_.num_embedded, num_embedded);
}

TEST_F(DocumentsTest, ARestartFindsTheSame) {
  for (int i = 0; i < 30; ++i) {
    const std::string id = "d" + std::to_string(i % 20);
    ASSERT_THAT(Upload("c", id,
                       "Word" + std::to_string(i % 7) + " is common. Text " + std::to_string(i) +
                           " of it."),
                IsOk());
  }
  ASSERT_THAT(Delete(Name("d4")), IsOk());
  const auto answers = [&] {
    std::string all;
    for (const char* query : {"word3 common", "text 12", "of it"}) {
      for (const auto mode : kSearchModes) {
        const auto response = Search(Query(query, mode));
        EXPECT_THAT(response, IsOk());
        all += response->SerializeAsString();
      }
    }
    return all;
  };
  const std::string before = answers();
  Restart();
  EXPECT_EQ(answers(), before);
  EXPECT_EQ(DocumentIds("c").size(), 19u);
}

TEST_F(DocumentsTest, ABadUploadStoresNothingAndSaysWhy) {
  auto damaged = UploadChunk(0, "text");
  damaged.mutable_chunk()->set_crc32c(1);
  const Status checksum = Send({UploadHeader("c", "a"), damaged, UploadFinish("text")}).status();
  EXPECT_THAT(checksum, HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReason(checksum), services::kChunkChecksum);

  const Status offset =
      Send({UploadHeader("c", "a"), UploadChunk(0, "te"), UploadChunk(3, "xt")}).status();
  EXPECT_THAT(offset, HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(ErrorReason(offset), services::kChunkOffset);
  EXPECT_EQ(ErrorMetadata(offset, "committed_size"), "2");

  const Status sha =
      Send({UploadHeader("c", "a"), UploadChunk(0, "text"), UploadFinish("other")}).status();
  EXPECT_THAT(sha, HasCode(kInvalid));
  ASSERT_EQ(FieldViolations(sha).size(), 1u);
  EXPECT_EQ(FieldViolations(sha)[0].field, "finish.sha256");

  EXPECT_THAT(Upload("c", "a", ""), FailsWith(kInvalid, "no bytes"));
  EXPECT_THAT(Upload("c", "a", " \n "), FailsWith(kInvalid, "white space"));
  EXPECT_THAT(Upload("c", "a", "bad \xFF"), FailsWith(kInvalid, "offset 4"));
  EXPECT_THAT(Upload("c", "../a", "text"), HasCode(kInvalid));
  EXPECT_THAT(Send({UploadHeader("c", "a"), UploadChunk(0, "text")}), HasCode(kInvalid));
  EXPECT_THAT(Send({}), HasCode(kInvalid));
  EXPECT_THAT(DocumentIds("c"), ElementsAre());
}

TEST_F(DocumentsTest, AnUnknownCollectionIsNotFoundBeforeTheBytesCome) {
  const Status status = Send({UploadHeader("none", "a")}).status();
  EXPECT_THAT(status, FailsWith(kNotFound, "none"));
}

TEST_F(DocumentsTest, AClientThatVanishesStoresNothing) {
  inference_.delay_ms = 10'000;
  {
    grpc::ClientContext context;
    retrieval::v1::UploadDocumentResponse response;
    const auto writer = documents_->UploadDocument(&context, &response);
    ASSERT_TRUE(writer->Write(UploadHeader("c", "half")));
    ASSERT_TRUE(writer->Write(UploadChunk(0, "text")));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  {
    grpc::ClientContext context;
    retrieval::v1::UploadDocumentResponse response;
    const auto writer = documents_->UploadDocument(&context, &response);
    for (const auto& message :
         {UploadHeader("c", "whole"), UploadChunk(0, "text"), UploadFinish("text")}) {
      ASSERT_TRUE(writer->Write(message));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // into the embedding
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // The cancellation reaches the inference service.
  for (int i = 0; i < 500 && inference_.num_cancelled == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(inference_.num_cancelled, 1);
  inference_.delay_ms = 0;
  ASSERT_THAT(Upload("c", "after", "text"), IsOk());
  EXPECT_THAT(DocumentIds("c"), ElementsAre("after"));
}

TEST_F(DocumentsTest, ADeadlineEndsAnUpload) {
  inference_.delay_ms = 10'000;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  retrieval::v1::UploadDocumentResponse response;
  const auto writer = documents_->UploadDocument(&context, &response);
  for (const auto& message :
       {UploadHeader("c", "a"), UploadChunk(0, "text"), UploadFinish("text")}) {
    ASSERT_TRUE(writer->Write(message));
  }
  writer->WritesDone();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(DocumentIds("c"), ElementsAre());
}

TEST_F(DocumentsTest, WithoutInferenceReadsGoOnAndUploadsSayWhenToRetry) {
  ASSERT_THAT(Upload("c", "a", "Apples are red."), IsOk());
  inference_.unavailable = true;
  Restart();
  EXPECT_THAT(Hits("apples", SEARCH_MODE_LEXICAL), ElementsAre("a|Apples are red."));
  EXPECT_EQ(Read(Name("a"))->text(), "Apples are red.");
  for (const auto mode : {retrieval::v1::SEARCH_MODE_DENSE, retrieval::v1::SEARCH_MODE_HYBRID}) {
    const Status search = Search(Query("apples", mode)).status();
    EXPECT_THAT(search, HasCode(absl::StatusCode::kUnavailable));
    EXPECT_TRUE(services::RetryDelay(search).has_value());
  }
  const Status upload = Upload("c", "b", "Pears are green.").status();
  EXPECT_THAT(upload, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(services::RetryDelay(upload).has_value());
  EXPECT_THAT(Create("d"), HasCode(absl::StatusCode::kUnavailable));
  inference_.unavailable = false;
  EXPECT_THAT(Upload("c", "b", "Pears are green."), IsOk());
}

TEST_F(DocumentsTest, OneLayerRetriesNotTwo) {
  ASSERT_THAT(Upload("c", "a", "Apples are red."), IsOk());
  inference_.unavailable = true;
  EXPECT_THAT(Search(Query("apples", retrieval::v1::SEARCH_MODE_DENSE)),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_LE(inference_.num_refused, 4) << "attempts of one channel";
}

TEST_F(DocumentsTest, AnotherEmbeddingModelIsRefused) {
  ASSERT_THAT(Upload("c", "a", "Apples are red."), IsOk());
  inference_.fingerprint = 2;
  EXPECT_THAT(Upload("c", "b", "Pears are green."),
              FailsWith(absl::StatusCode::kFailedPrecondition, "fingerprint hash-1, have hash-2"));
  EXPECT_THAT(Search(Query("apples", retrieval::v1::SEARCH_MODE_DENSE)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Hits("apples", SEARCH_MODE_LEXICAL), ElementsAre("a|Apples are red."));
}

TEST_F(DocumentsTest, MetadataTitleAndHeadingsComeBack) {
  auto header = UploadHeader("c", "guide.md");
  header.mutable_header()->set_title("The guide");
  (*header.mutable_header()->mutable_metadata())["author"] = "Ann";
  const std::string text = "# Returns\n\nWithin thirty days of purchase, with receipt.\n";
  const auto uploaded = Send({header, UploadChunk(0, text), UploadFinish(text)});
  ASSERT_THAT(uploaded, IsOk());
  const auto document = Get(Name("guide.md"));
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->document().title(), "The guide");
  EXPECT_EQ(document->document().media_type(), "text/markdown");
  EXPECT_EQ(document->document().metadata().at("author"), "Ann");
  const auto hits = Search(Query("receipt", SEARCH_MODE_LEXICAL));
  ASSERT_THAT(hits, IsOk());
  ASSERT_EQ(hits->hits_size(), 1);
  EXPECT_EQ(hits->hits(0).title(), "The guide");
  EXPECT_EQ(hits->hits(0).version(), 1);
  ASSERT_EQ(hits->hits(0).chunk().headings_size(), 1);
  EXPECT_EQ(hits->hits(0).chunk().headings(0), "Returns");
}

TEST_F(DocumentsTest, ChunksAreExactRangesInPages) {
  std::string text;
  for (int i = 0; i < 25; ++i) {
    text += "Sentence " + std::to_string(i) + " has exactly seven w\xC3\xB6rds here. ";
  }
  ASSERT_THAT(Upload("c", "a", text), IsOk());
  retrieval::v1::ListChunksRequest request;
  request.set_parent(Name("a"));
  request.set_page_size(10);
  std::vector<retrieval::v1::Chunk> chunks;
  int num_pages = 0;
  do {
    const auto page = Call(*documents_, &DocumentService::Stub::ListChunks, request);
    ASSERT_THAT(page, IsOk());
    chunks.insert(chunks.end(), page->chunks().begin(), page->chunks().end());
    request.set_page_token(page->next_page_token());
    ++num_pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(num_pages, 3);
  ASSERT_EQ(chunks.size(), 25u);
  for (int i = 0; i < 25; ++i) {
    const auto& chunk = chunks[static_cast<std::size_t>(i)];
    EXPECT_EQ(chunk.index(), i);
    EXPECT_EQ(chunk.num_tokens(), 7);
    EXPECT_EQ(chunk.text(), text.substr(static_cast<std::size_t>(chunk.start()),
                                        static_cast<std::size_t>(chunk.end() - chunk.start())));
    EXPECT_EQ(Read(Name("a"), chunk.start(), chunk.end() - chunk.start())->text(), chunk.text());
  }
}

TEST_F(DocumentsTest, APageOfAnotherVersionIsNotMixedIn) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += "Sentence " + std::to_string(i) + " of a few words here. ";
  ASSERT_THAT(Upload("c", "a", text), IsOk());
  retrieval::v1::ListChunksRequest request;
  request.set_parent(Name("a"));
  request.set_page_size(2);
  const auto page = Call(*documents_, &DocumentService::Stub::ListChunks, request);
  ASSERT_THAT(page, IsOk());
  ASSERT_THAT(Upload("c", "a", text + "More."), IsOk());
  request.set_page_token(page->next_page_token());
  EXPECT_THAT(Call(*documents_, &DocumentService::Stub::ListChunks, request),
              FailsWith(absl::StatusCode::kAborted, "version 1"));
}

TEST_F(DocumentsTest, TextIsReadInRangesOfWholeCharacters) {
  ASSERT_THAT(Upload("c", "a", "a\xE2\x82\xAC z"), IsOk());
  const auto all = Read(Name("a"));
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(all->text_bytes(), 6);
  EXPECT_EQ(all->version(), 1);
  EXPECT_EQ(Read(Name("a"), 0, 3)->text(), "a");
  EXPECT_EQ(Read(Name("a"), 6, 3)->text(), "");
  EXPECT_THAT(Read(Name("a"), 7, 3), HasCode(absl::StatusCode::kOutOfRange));
  for (const auto& [offset, limit, field] : {std::tuple<int, int, const char*>{2, 3, "offset"},
                                             {-1, 3, "offset"},
                                             {1, 2, "limit"},
                                             {0, -1, "limit"},
                                             {0, (3 << 20) + 1, "limit"}}) {
    const Status status = Read(Name("a"), offset, limit).status();
    EXPECT_THAT(status, HasCode(kInvalid));
    ASSERT_EQ(FieldViolations(status).size(), 1u);
    EXPECT_EQ(FieldViolations(status)[0].field, field);
  }
}

TEST_F(DocumentsTest, ConcurrentUploadsAllArrive) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string id = "d" + std::to_string(t) + "-" + std::to_string(i);
        EXPECT_THAT(Upload("c", id, "Unique" + std::to_string(t * 10 + i) + " text."), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 80; ++i) {
    EXPECT_EQ(Hits("unique" + std::to_string(i), SEARCH_MODE_LEXICAL).size(), 1u);
  }
}

class SmallDocumentsTest : public DocumentsTest {
 protected:
  SmallDocumentsTest() { options_.max_document_bytes = 100; }
};

TEST_F(SmallDocumentsTest, ADocumentOverTheLimitIsRefused) {
  const Status status = Upload("c", "a", std::string(101, 'x')).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReason(status), services::kDocumentTooLarge);
  EXPECT_EQ(ErrorMetadata(status, "limit"), "100");
  EXPECT_THAT(Upload("c", "a", std::string(100, 'x')), IsOk());
}

class LoadingTest : public RetrievalTest {
 protected:
  LoadingTest() { load_ = false; }
};

TEST_F(LoadingTest, UntilTheIndexIsBuiltCallsAreToldToComeBack) {
  for (const Status& status :
       {Create("c").status(), Get("collections/c/documents/a").status(),
        Upload("c", "a", "text").status(), Search(Query("a", SEARCH_MODE_LEXICAL)).status()}) {
    EXPECT_THAT(status, FailsWith(absl::StatusCode::kUnavailable, "index"));
    EXPECT_TRUE(services::RetryDelay(status).has_value());
  }
  Load();
  EXPECT_THAT(Create("c"), IsOk());
}

TEST_F(LoadingTest, ADataDirectoryHasOneServer) {
  const Status status = services::RetrievalServer::Create({.data_dir = DataDir()}).status();
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kFailedPrecondition, DataDir()));
}

}  // namespace
}  // namespace quire::testing
