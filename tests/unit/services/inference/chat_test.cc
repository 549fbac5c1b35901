#include <gtest/gtest.h>

#include "services/inference/handlers.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using inference::v1::ChatRequest;
using inference::v1::RenderPromptRequest;
using inference::v1::RenderPromptResponse;
using quire::testing::FailsWith;
using quire::testing::IsOk;
using ::testing::ElementsAre;

template <typename Request>
Request WithMessage(const std::string& role, const std::string& content) {
  Request request;
  auto* message = request.add_messages();
  message->set_role(role);
  message->set_content(content);
  return request;
}

class ChatTest : public ::testing::Test {
 protected:
  ChatTest() {
    script_.events = {testing::TextEvent("hi", {104, 105})};
    script_.events.back().finish = engine::FinishReason::kStop;
  }

  testing::EngineScript script_;
  const ModelRegistry models_ = testing::MakeRegistry(script_);
  const InferenceCall call_ = testing::MakeCall();
};

TEST_F(ChatTest, AnswersAsTheAssistant) {
  inference::v1::ChatResponse response;
  ASSERT_THAT(Chat(call_, models_, WithMessage<ChatRequest>("user", "hello"), response), IsOk());
  EXPECT_EQ(response.message().role(), "assistant");
  EXPECT_EQ(response.message().content(), "hi");
  EXPECT_EQ(response.finish_reason(), inference::v1::FINISH_REASON_STOP);
}

TEST_F(ChatTest, SpecialTokensComeFromTheTemplateAlone) {
  RenderPromptResponse response;
  RenderPromptRequest request = WithMessage<RenderPromptRequest>("user", "<s>");
  request.set_omit_generation_prompt(true);
  ASSERT_THAT(RenderPrompt(call_, models_, request, response), IsOk());
  EXPECT_EQ(response.text(), "<s>user:<s>;");
  EXPECT_THAT(response.token_ids(), ElementsAre(256, 'u', 's', 'e', 'r', ':', '<', 's', '>', ';'));
}

TEST_F(ChatTest, RenderPromptGivesExactlyThePromptOfChat) {
  RenderPromptResponse rendered;
  ASSERT_THAT(
      RenderPrompt(call_, models_, WithMessage<RenderPromptRequest>("user", "hello"), rendered),
      IsOk());
  inference::v1::ChatResponse response;
  ASSERT_THAT(Chat(call_, models_, WithMessage<ChatRequest>("user", "hello"), response), IsOk());
  EXPECT_THAT(script_.requests.back().prompt, ::testing::ElementsAreArray(rendered.token_ids()));
  EXPECT_EQ(rendered.num_tokens(), rendered.token_ids_size());
  EXPECT_EQ(rendered.context_tokens(), 100);
}

TEST_F(ChatTest, CountOnlyLeavesTextAndIdsOut) {
  RenderPromptRequest request = WithMessage<RenderPromptRequest>("user", "hello");
  request.set_count_only(true);
  RenderPromptResponse response;
  ASSERT_THAT(RenderPrompt(call_, models_, request, response), IsOk());
  EXPECT_EQ(response.text(), "");
  EXPECT_EQ(response.token_ids_size(), 0);
  EXPECT_EQ(response.num_tokens(), 22);  // <s> user:hello;assistant:
}

TEST_F(ChatTest, RefusalOfTheTemplateIsTheCallersFault) {
  inference::v1::ChatResponse response;
  const Status status =
      Chat(call_, models_, WithMessage<ChatRequest>("system", "be kind"), response);
  EXPECT_THAT(status, FailsWith(absl::StatusCode::kInvalidArgument, "no system messages, please"));
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].field, "messages");
}

TEST_F(ChatTest, ModelWithoutTemplateIsAFailedPrecondition) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script, /*has_template=*/false);
  inference::v1::ChatResponse response;
  EXPECT_THAT(Chat(call_, models, WithMessage<ChatRequest>("user", "x"), response),
              FailsWith(absl::StatusCode::kFailedPrecondition, "use Generate"));
  RenderPromptResponse rendered;
  EXPECT_THAT(RenderPrompt(call_, models, WithMessage<RenderPromptRequest>("user", "x"), rendered),
              FailsWith(absl::StatusCode::kFailedPrecondition, "chat template"));
}

TEST_F(ChatTest, LongConversationExceedsTheContext) {
  inference::v1::ChatResponse response;
  const Status status =
      Chat(call_, models_, WithMessage<ChatRequest>("user", std::string(100, 'x')), response);
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(FieldViolations(status).at(0).field, "messages");
}

TEST_F(ChatTest, StreamHasTheOrderOfStreamGenerate) {
  std::vector<int> cases;
  ASSERT_THAT(StreamChat(call_, models_, WithMessage<ChatRequest>("user", "hello"),
                         [&](const inference::v1::StreamChatResponse& message) {
                           cases.push_back(message.event_case());
                           return true;
                         }),
              IsOk());
  using Response = inference::v1::StreamChatResponse;
  EXPECT_THAT(cases, ElementsAre(Response::kStarted, Response::kDelta, Response::kFinished,
                                 Response::kUsage));
}

}  // namespace
}  // namespace quire::services
