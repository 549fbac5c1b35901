#include <gtest/gtest.h>

#include "services/inference/handlers.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::ScoreRequest;
using inference::v1::ScoreResponse;
using quire::testing::FailsWith;
using quire::testing::IsOk;

class ScoreTest : public ::testing::Test {
 protected:
  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
  const InferenceCall call_ = testing::MakeCall();
  ScoreResponse response_;
};

TEST_F(ScoreTest, AsksForPromptLogprobsAndNoOutput) {
  engine::OutputEvent event;
  event.prompt_logprobs = {{{5, -0.5f}, {{6, -0.25f}}}, {{7, -1.5f}, {{8, -0.125f}}}};
  event.finish = engine::FinishReason::kLength;
  event.usage.prompt_tokens = 3;
  script_.events = {event};
  ScoreRequest request;
  for (const int id : {1, 5, 7}) request.add_ids(id);
  request.set_top(1);
  ASSERT_THAT(Score(call_, models_, request, response_), IsOk());
  EXPECT_EQ(script_.requests.back().max_new_tokens, 0);
  EXPECT_EQ(script_.requests.back().num_prompt_logprobs, 1);
  ASSERT_EQ(response_.tokens_size(), 2);
  EXPECT_EQ(response_.tokens(1).token().id(), 7);
  EXPECT_FLOAT_EQ(response_.tokens(1).token().logprob(), -1.5f);
  EXPECT_EQ(response_.tokens(1).top(0).id(), 8);
  EXPECT_EQ(response_.usage().prompt_tokens(), 3);
}

TEST_F(ScoreTest, RefusesSequencesBeyondTheContextOrTheVocabulary) {
  ScoreRequest request;
  request.mutable_ids()->Resize(101, 0);
  EXPECT_EQ(ErrorReason(Score(call_, models_, request, response_)), kContextLengthExceeded);
  request.mutable_ids()->Truncate(100);
  request.set_ids(99, 258);
  EXPECT_THAT(Score(call_, models_, request, response_),
              FailsWith(absl::StatusCode::kInvalidArgument, "ids[99]"));
}

}  // namespace
}  // namespace quire::services
