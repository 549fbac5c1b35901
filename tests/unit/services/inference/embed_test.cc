#include <gtest/gtest.h>

#include "services/inference/handlers.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::EmbedRequest;
using inference::v1::EmbedResponse;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

class EmbedTest : public ::testing::Test {
 protected:
  const ModelRegistry models_ = testing::MakeEmbeddingRegistry();
  InferenceCall call_ = testing::MakeCall();
  EmbedResponse response_;
};

TEST_F(EmbedTest, GivesOneVectorPerTextInOrder) {
  EmbedRequest request;
  for (int i = 0; i < 200; ++i)
    request.add_texts(std::string(static_cast<std::size_t>(i % 7), 'x'));
  ASSERT_THAT(Embed(call_, models_, request, response_), IsOk());
  ASSERT_EQ(response_.embeddings_size(), 200);
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(response_.embeddings(i).values(), ElementsAre(static_cast<float>(i % 7), 1.0f));
    EXPECT_EQ(response_.embeddings(i).num_tokens(), i % 7 + 1);
    EXPECT_FALSE(response_.embeddings(i).truncated());
  }
  EXPECT_EQ(response_.model(), "vectors");
  EXPECT_EQ(response_.fingerprint(), "f1");
}

TEST_F(EmbedTest, LongTextsAreCutAndSaySo) {
  EmbedRequest request;
  request.add_texts(std::string(9, 'x'));
  request.add_texts(std::string(10, 'x'));
  ASSERT_THAT(Embed(call_, models_, request, response_), IsOk());
  EXPECT_FALSE(response_.embeddings(0).truncated());
  EXPECT_TRUE(response_.embeddings(1).truncated());
}

TEST_F(EmbedTest, LongTextsAreRefusedIfAsked) {
  EmbedRequest request;
  request.set_refuse_long_texts(true);
  request.add_texts(std::string(9, 'x'));
  ASSERT_THAT(Embed(call_, models_, request, response_), IsOk());
  request.add_texts(std::string(10, 'x'));
  const Status status = Embed(call_, models_, request, response_);
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(FieldViolations(status).at(0).field, "texts[1]");
  EXPECT_EQ(ErrorMetadata(status, "tokens"), "11");
}

TEST_F(EmbedTest, CancelledCallEndsBetweenBatches) {
  EmbedRequest request;
  for (int i = 0; i < 1000; ++i) request.add_texts("x");
  int polls = 0;
  call_.is_cancelled = [&polls] { return ++polls > 2; };
  EXPECT_THAT(Embed(call_, models_, request, response_), HasCode(absl::StatusCode::kCancelled));
  const auto& embedder =
      dynamic_cast<const testing::CountingEmbedder&>(*models_.embedding()->embedder);
  EXPECT_EQ(embedder.num_batches(), 2);
}

}  // namespace
}  // namespace quire::services
