#include <gmock/gmock.h>

#include "services/inference/handlers.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::RerankRequest;
using inference::v1::RerankResponse;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

class RerankTest : public ::testing::Test {
 protected:
  RerankTest() { request_.set_query("why"); }

  std::vector<std::int32_t> Order() const {
    std::vector<std::int32_t> order;
    for (const auto& document : response_.documents()) order.push_back(document.index());
    return order;
  }

  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
  InferenceCall call_ = testing::MakeCall();
  RerankRequest request_;
  RerankResponse response_;
};

TEST_F(RerankTest, TheBestComesFirstAndEqualsKeepTheirOrder) {
  for (const char* document : {"bb", "", "ccc", "aa"}) request_.add_documents(document);
  ASSERT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  EXPECT_THAT(Order(), ElementsAre(2, 0, 3, 1));
  EXPECT_EQ(response_.documents(0).score(), 3.0f);
  EXPECT_EQ(response_.documents(0).num_tokens(), 9);
  EXPECT_EQ(response_.model(), "judge");
}

TEST_F(RerankTest, TopNLeavesOutTheRest) {
  for (const char* document : {"bb", "", "ccc", "aa"}) request_.add_documents(document);
  request_.set_top_n(2);
  ASSERT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  EXPECT_THAT(Order(), ElementsAre(2, 0));
  response_.Clear();
  request_.set_top_n(9);
  ASSERT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  EXPECT_EQ(response_.documents_size(), 4);
}

TEST_F(RerankTest, DocumentsOfSeveralBatchesAreRankedTogether) {
  for (int i = 0; i < 200; ++i) request_.add_documents(std::string(i == 150 ? 2 : 1, 'x'));
  ASSERT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  ASSERT_EQ(response_.documents_size(), 200);
  EXPECT_EQ(response_.documents(0).index(), 150);
  EXPECT_EQ(response_.documents(1).index(), 0);
  EXPECT_EQ(response_.documents(199).index(), 199);
}

TEST_F(RerankTest, CutDocumentsSaySo) {
  request_.add_documents("1234");
  request_.add_documents("12345");
  ASSERT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  EXPECT_TRUE(response_.documents(0).truncated());
  EXPECT_FALSE(response_.documents(1).truncated());
}

TEST_F(RerankTest, LongQueriesAreRefused) {
  request_.add_documents("x");
  request_.set_query("1234567");
  const Status status = Rerank(call_, models_, request_, response_);
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(FieldViolations(status).at(0).field, "query");
  EXPECT_EQ(ErrorMetadata(status, "limit"), "6");
}

TEST_F(RerankTest, CancelledCallEndsBetweenBatches) {
  for (int i = 0; i < 1000; ++i) request_.add_documents("x");
  int polls = 0;
  call_.is_cancelled = [&polls] { return ++polls > 2; };
  EXPECT_THAT(Rerank(call_, models_, request_, response_), HasCode(absl::StatusCode::kCancelled));
  const auto& reranker =
      dynamic_cast<const testing::CountingReranker&>(*models_.reranking()->reranker);
  EXPECT_EQ(reranker.num_batches(), 2);
}

TEST_F(RerankTest, OtherModelsAreRefused) {
  request_.add_documents("x");
  request_.set_model("vectors");
  EXPECT_THAT(Rerank(call_, models_, request_, response_),
              FailsWith(absl::StatusCode::kFailedPrecondition, "only embeds"));
  request_.set_model("models/judge");
  EXPECT_THAT(Rerank(call_, models_, request_, response_), IsOk());
  request_.clear_model();
  EXPECT_THAT(Rerank(call_, testing::MakeEmbeddingRegistry(), request_, response_),
              FailsWith(absl::StatusCode::kFailedPrecondition, "--rerank-model"));
}

}  // namespace
}  // namespace quire::services
