#include "services/orchestrator/strategies/refine_strategy.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STRATEGY_REFINE;
using services::Prompt;

AnswerTask LongQuestion() {
  AnswerTask task = Question(STRATEGY_REFINE);
  task.inline_documents = {Document("a", Sentences(100))};
  return task;
}

// Says the replies one after the other, the last one again and again.
FakeLanguageModel::Script InTurn(std::vector<std::string> replies) {
  return [replies, next = std::size_t{0}](const Prompt&, const std::stop_token&) mutable {
    return replies[std::min(next++, replies.size() - 1)];
  };
}

TEST(RefineStrategyTest, TextThatFitsTakesOneCall) {
  FakeLanguageModel model(1000, AlwaysSays("30 days"));
  AnswerTask task = Question(STRATEGY_REFINE);
  task.inline_documents = {Document("a", Sentences(10))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(model.prompts().size(), 1u);
}

TEST(RefineStrategyTest, EachPartImprovesTheAnswerSoFar) {
  FakeLanguageModel model(200, InTurn({"first [1]", "second [1]", "third"}));
  const TaskRun run = Perform(LongQuestion(), model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "third");
  EXPECT_EQ(run.JoinedDeltas(), "third");
  const auto prompts = model.prompts();
  ASSERT_GT(prompts.size(), 3u);
  EXPECT_FALSE(IsRefine(prompts[0]));
  EXPECT_NE(prompts[1].user.find("Answer so far: first ["), std::string::npos);
  EXPECT_NE(prompts[2].user.find("Answer so far: second ["), std::string::npos);
  EXPECT_LT(prompts[1].user.find("number"), prompts[1].user.find("Answer so far"));
  EXPECT_EQ(run.started().planned_calls(), static_cast<int>(prompts.size()));
  EXPECT_EQ(run.Events(EventCase::kStep).size(), prompts.size() - 1);
  EXPECT_EQ(run.answer->coverage(0).bytes_read(), run.answer->coverage(0).text_bytes());
}

TEST(RefineStrategyTest, CitationsOfEarlierPartsStand) {
  // Each step keeps the answer and its source's present number, and adds its own first passage.
  FakeLanguageModel model(200, [](const Prompt& prompt, const std::stop_token&) -> std::string {
    const std::size_t at = prompt.user.find("Answer so far: ");
    if (at == std::string::npos) return "Start [1].";
    const std::size_t open = prompt.user.find('[', at);
    return "Start " + prompt.user.substr(open, prompt.user.find(']', open) - open + 1) +
           ". Now [1].";
  });
  const AnswerTask task = LongQuestion();
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  ASSERT_EQ(run.answer->citations_size(), 2);
  EXPECT_EQ(run.answer->citations(1).source().start(), 0);
  EXPECT_GT(run.answer->citations(0).source().start(), 1000);
  ExpectSoundCitations(*run.answer, task.inline_documents);
}

TEST(RefineStrategyTest, PartsWithoutAnAnswerLeaveTheAnswerAsItIs) {
  for (const std::string silence : {kNoAnswer, ""}) {
    FakeLanguageModel model(200, InTurn({silence, "30 days [1].", silence}));
    const AnswerTask task = LongQuestion();
    const TaskRun run = Perform(task, model);
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_EQ(run.answer->text(), "30 days [1].");
    EXPECT_EQ(run.JoinedDeltas(), run.answer->text());
    EXPECT_FALSE(run.answer->no_answer());
    EXPECT_FALSE(IsRefine(model.prompts()[1])) << "nothing to refine yet";
    EXPECT_TRUE(IsRefine(model.prompts()[2]));
    ASSERT_EQ(run.answer->citations_size(), 1);
    ExpectSoundCitations(*run.answer, task.inline_documents);
  }
}

TEST(RefineStrategyTest, LastReplyThatBeginsLikeSilenceIsWrittenWhole) {
  const std::string reply = "The documents do not say when, but it is 30 days [1].";
  FakeLanguageModel model(200, InTurn({"first [1].", reply}));
  const TaskRun run = Perform(LongQuestion(), model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), reply);
  EXPECT_EQ(run.JoinedDeltas(), reply);
}

TEST(RefineStrategyTest, NoPartWithAnAnswerIsNoAnswer) {
  FakeLanguageModel model(200, AlwaysSays(kNoAnswer));
  const TaskRun run = Perform(LongQuestion(), model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_TRUE(run.answer->no_answer());
  EXPECT_EQ(run.answer->text(), kNoAnswer);
}

TEST(RefineStrategyTest, AnswerSoFarThatIsTooLongIsCut) {
  std::string long_reply = "Start [1]. ";
  for (int i = 0; i < 90; ++i) long_reply += "word ";
  FakeLanguageModel model(200, AlwaysSays(long_reply));
  model.IgnoreMaxTokens();
  const TaskRun run = Perform(LongQuestion(), model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.started().planned_calls(), run.answer->usage().model_calls());
  for (const Prompt& prompt : model.prompts()) {
    EXPECT_LE(FakeLanguageModel::PromptTokens(prompt), run.started().largest_prompt_tokens());
  }
}

TEST(RefineStrategyTest, SummariesAreRefinedToo) {
  FakeLanguageModel model(200, InTurn({"first", "second"}));
  AnswerTask task = Summary(STRATEGY_REFINE);
  task.subject = "the numbers";
  task.inline_documents = {Document("a", Sentences(100))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "second");
  for (const Prompt& prompt : model.prompts()) {
    EXPECT_NE(prompt.user.find("Focus on: the numbers"), std::string::npos);
  }
}

TEST(RefineStrategyTest, QuestionThatFillsThePromptIsRefused) {
  FakeLanguageModel model(200, AlwaysSays("x"));
  AnswerTask task = LongQuestion();
  task.subject = Sentences(40);
  const TaskRun run = Perform(task, model);
  EXPECT_EQ(services::ErrorReason(run.answer.status()), services::kContextLengthExceeded);
  EXPECT_THAT(run.answer, FailsWith(absl::StatusCode::kInvalidArgument, "question"));
}

}  // namespace
}  // namespace quire::testing
