#include "services/retrieval/upload_receiver.h"

#include <gmock/gmock.h>

#include "base/crc32c.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/support/upload_messages.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using quire::testing::UploadChunk;
using quire::testing::UploadFinish;
using quire::testing::UploadHeader;
using retrieval::v1::UploadDocumentRequest;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class UploadReceiverTest : public ::testing::Test {
 protected:
  // Gives the messages to a fresh receiver until one is refused.
  Status Receive(const std::vector<UploadDocumentRequest>& messages) {
    receiver_.emplace(/*max_bytes=*/1'000, budget_);
    for (const UploadDocumentRequest& message : messages) {
      QUIRE_RETURN_IF_ERROR(receiver_->Receive(message));
    }
    return OkStatus();
  }

  // The field that a refused upload names.
  std::string FieldOf(const std::vector<UploadDocumentRequest>& messages) {
    const Status status = Receive(messages);
    EXPECT_THAT(status, HasCode(kInvalid));
    const auto violations = FieldViolations(status);
    return violations.empty() ? "" : violations.front().field;
  }

  UploadBudget budget_{2'000};
  std::optional<UploadReceiver> receiver_;
};

TEST_F(UploadReceiverTest, PutsChunksTogether) {
  ASSERT_THAT(Receive({UploadHeader("c", "d.md"), UploadChunk(0, "Hello "), UploadChunk(6, "you"),
                       UploadFinish("Hello you")}),
              IsOk());
  ASSERT_TRUE(receiver_->is_finished());
  EXPECT_EQ(receiver_->collection(), "c");
  const auto document = receiver_->TakeDocument();
  EXPECT_EQ(document.id, "d.md");
  EXPECT_EQ(document.title, "d.md");
  EXPECT_EQ(document.bytes, "Hello you");
  EXPECT_EQ(document.media_type, retrieval::MediaType::kMarkdown);
}

TEST_F(UploadReceiverTest, AnIdIsMadeOfTheContentIfThereIsNone) {
  ASSERT_THAT(Receive({UploadHeader("c", ""), UploadChunk(0, "abc"), UploadFinish("abc")}), IsOk());
  const auto document = receiver_->TakeDocument();
  EXPECT_EQ(document.id, "ba7816bf8f01cfea414140de5dae2223");
  EXPECT_EQ(document.title, document.id);
  EXPECT_EQ(document.media_type, retrieval::MediaType::kPlainText);
}

TEST_F(UploadReceiverTest, TheMediaTypeGivenWins) {
  UploadDocumentRequest header = UploadHeader("c", "d.md");
  header.mutable_header()->set_media_type("text/plain");
  ASSERT_THAT(Receive({header, UploadChunk(0, "abc"), UploadFinish("abc")}), IsOk());
  EXPECT_EQ(receiver_->TakeDocument().media_type, retrieval::MediaType::kPlainText);
}

TEST_F(UploadReceiverTest, MessagesComeInOrder) {
  EXPECT_EQ(FieldOf({UploadChunk(0, "abc")}), "header");
  EXPECT_EQ(FieldOf({UploadFinish("")}), "header");
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadHeader("c", "d")}), "header");
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadDocumentRequest()}), "message");
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadFinish(""), UploadChunk(0, "a")}), "finish");
}

TEST_F(UploadReceiverTest, AnUnfinishedUploadSaysWhatItLacks) {
  ASSERT_THAT(Receive({UploadHeader("c", "d"), UploadChunk(0, "abc")}), IsOk());
  EXPECT_FALSE(receiver_->is_finished());
  EXPECT_THAT(receiver_->Unfinished(), FailsWith(kInvalid, "after 3 bytes"));
}

TEST_F(UploadReceiverTest, ADamagedChunkIsAborted) {
  UploadDocumentRequest damaged = UploadChunk(3, "def");
  damaged.mutable_chunk()->set_data("dEf");
  const Status status = Receive({UploadHeader("c", "d"), UploadChunk(0, "abc"), damaged});
  EXPECT_THAT(status, HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReason(status), kChunkChecksum);
  EXPECT_EQ(ErrorMetadata(status, "offset"), "3");
}

TEST_F(UploadReceiverTest, AWrongOffsetIsToldWhereToGoOn) {
  for (const std::int64_t offset : {0, 2, 4, -1}) {
    const Status status =
        Receive({UploadHeader("c", "d"), UploadChunk(0, "abc"), UploadChunk(offset, "def")});
    EXPECT_THAT(status, HasCode(absl::StatusCode::kOutOfRange));
    EXPECT_EQ(ErrorReason(status), kChunkOffset);
    EXPECT_EQ(ErrorMetadata(status, "committed_size"), "3");
  }
}

TEST_F(UploadReceiverTest, AWrongSumOfAllIsRefused) {
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadChunk(0, "abc"), UploadFinish("abd")}),
            "finish.sha256");
  UploadDocumentRequest none;
  none.mutable_finish();
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadChunk(0, "abc"), none}), "finish.sha256");
}

TEST_F(UploadReceiverTest, AWrongSizeIsRefused) {
  UploadDocumentRequest header = UploadHeader("c", "d");
  header.mutable_header()->set_size_bytes(4);
  EXPECT_EQ(FieldOf({header, UploadChunk(0, "abc"), UploadFinish("abc")}), "header.size_bytes");
  header.mutable_header()->set_size_bytes(-1);
  EXPECT_EQ(FieldOf({header}), "header.size_bytes");
}

TEST_F(UploadReceiverTest, ADocumentOverTheLimitIsRefusedAsEarlyAsPossible) {
  UploadDocumentRequest header = UploadHeader("c", "d");
  header.mutable_header()->set_size_bytes(1'001);
  const Status early = Receive({header});
  EXPECT_THAT(early, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReason(early), kDocumentTooLarge);
  EXPECT_EQ(ErrorMetadata(early, "limit"), "1000");
  const std::string half(501, 'x');
  EXPECT_EQ(
      ErrorReason(Receive({UploadHeader("c", "d"), UploadChunk(0, half), UploadChunk(501, half)})),
      kDocumentTooLarge);
  const std::string all(1'000, 'x');
  EXPECT_THAT(Receive({UploadHeader("c", "d"), UploadChunk(0, all), UploadFinish(all)}), IsOk());
}

TEST_F(UploadReceiverTest, UploadsTogetherAreLimitedAndGiveBackWhatTheyTook) {
  UploadReceiver other(1'000, budget_);
  ASSERT_THAT(other.Receive(UploadHeader("c", "d")), IsOk());
  ASSERT_THAT(other.Receive(UploadChunk(0, std::string(999, 'x'))), IsOk());
  {
    UploadReceiver third(1'000, budget_);
    UploadDocumentRequest header = UploadHeader("c", "d");
    header.mutable_header()->set_size_bytes(1'000);
    ASSERT_THAT(third.Receive(header), IsOk());
    const Status refused = Receive({UploadHeader("c", "d"), UploadChunk(0, "ab")});
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(ErrorReason(refused), kQueueFull);
    EXPECT_TRUE(RetryDelay(refused).has_value());
  }
  EXPECT_THAT(Receive({UploadHeader("c", "d"), UploadChunk(0, "ab"), UploadFinish("ab")}), IsOk());
}

TEST_F(UploadReceiverTest, BadHeadersAreRefusedWithTheirField) {
  const auto field_with = [&](auto change) {
    UploadDocumentRequest header = UploadHeader("c", "d");
    change(*header.mutable_header());
    return FieldOf({header});
  };
  EXPECT_EQ(field_with([](auto& header) { header.set_parent("c"); }), "header.parent");
  EXPECT_EQ(field_with([](auto& header) { header.set_document_id("a/b"); }), "header.document_id");
  EXPECT_EQ(field_with([](auto& header) { header.set_title(std::string(1'025, 'x')); }),
            "header.title");
  EXPECT_EQ(field_with([](auto& header) { header.set_media_type("application/pdf"); }),
            "header.media_type");
  EXPECT_EQ(field_with([](auto& header) { (*header.mutable_metadata())[""] = "x"; }),
            "header.metadata");
  EXPECT_EQ(
      field_with([](auto& header) { (*header.mutable_metadata())["k"] = std::string(4'097, 'x'); }),
      "header.metadata");
  EXPECT_EQ(field_with([](auto& header) {
              for (int i = 0; i < 65; ++i) (*header.mutable_metadata())[std::to_string(i)] = "x";
            }),
            "header.metadata");
}

TEST_F(UploadReceiverTest, EmptyAndHugeChunksAreRefused) {
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadChunk(0, "")}), "chunk.data");
  EXPECT_EQ(FieldOf({UploadHeader("c", "d"), UploadChunk(0, std::string((4 << 20) + 1, 'x'))}),
            "chunk.data");
}

}  // namespace
}  // namespace quire::services
