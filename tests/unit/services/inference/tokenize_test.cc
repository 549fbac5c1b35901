#include <gtest/gtest.h>

#include "services/inference/handlers.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

class TokenizeTest : public ::testing::Test {
 protected:
  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
  InferenceCall call_ = testing::MakeCall();
};

TEST_F(TokenizeTest, GivesIdTextAndByteRange) {
  inference::v1::TokenizeRequest request;
  request.set_text("hi");
  inference::v1::TokenizeResponse response;
  ASSERT_THAT(Tokenize(models_, request, response), IsOk());
  ASSERT_EQ(response.tokens_size(), 3);
  EXPECT_EQ(response.tokens(0).text(), "<s>");
  EXPECT_TRUE(response.tokens(0).special());
  EXPECT_EQ(response.tokens(0).start(), response.tokens(0).end());
  EXPECT_EQ(response.tokens(2).id(), 'i');
  EXPECT_FALSE(response.tokens(2).special());
  EXPECT_EQ(response.tokens(2).start(), 1);
  EXPECT_EQ(response.tokens(2).end(), 2);
}

TEST_F(TokenizeTest, SpecialTokensCanBeLeftOut) {
  inference::v1::TokenizeRequest request;
  request.set_text("hi");
  request.set_omit_special_tokens(true);
  inference::v1::TokenizeResponse response;
  ASSERT_THAT(Tokenize(models_, request, response), IsOk());
  EXPECT_EQ(response.tokens_size(), 2);
}

TEST_F(TokenizeTest, DetokenizeSkipsOrKeepsSpecialTokens) {
  inference::v1::DetokenizeRequest request;
  for (const int id : {256, int{'h'}, int{'i'}}) request.add_ids(id);
  inference::v1::DetokenizeResponse response;
  ASSERT_THAT(Detokenize(models_, request, response), IsOk());
  EXPECT_EQ(response.text(), "hi");
  request.set_keep_special_tokens(true);
  ASSERT_THAT(Detokenize(models_, request, response), IsOk());
  EXPECT_EQ(response.text(), "<s>hi");
}

TEST_F(TokenizeTest, DetokenizeRefusesIdsOutsideTheVocabulary) {
  inference::v1::DetokenizeRequest request;
  request.add_ids(0);
  request.add_ids(258);
  inference::v1::DetokenizeResponse response;
  EXPECT_THAT(Detokenize(models_, request, response),
              FailsWith(absl::StatusCode::kInvalidArgument, "ids[1]"));
}

TEST_F(TokenizeTest, CountsEachTextAlone) {
  inference::v1::CountTokensRequest request;
  request.add_texts("abc");
  request.add_texts("");
  inference::v1::CountTokensResponse response;
  ASSERT_THAT(CountTokens(call_, models_, request, response), IsOk());
  EXPECT_THAT(response.num_tokens(), ElementsAre(3, 0));
  request.set_include_special_tokens(true);
  request.set_model("vectors");
  response.Clear();
  ASSERT_THAT(CountTokens(call_, models_, request, response), IsOk());
  EXPECT_THAT(response.num_tokens(), ElementsAre(4, 1));
}

TEST_F(TokenizeTest, CountingStopsWhenTheClientIsGone) {
  inference::v1::CountTokensRequest request;
  request.add_texts("abc");
  call_.is_cancelled = [] { return true; };
  inference::v1::CountTokensResponse response;
  EXPECT_THAT(CountTokens(call_, models_, request, response),
              HasCode(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace quire::services
