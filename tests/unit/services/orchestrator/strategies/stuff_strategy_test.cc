#include "services/orchestrator/strategies/stuff_strategy.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STRATEGY_STUFF;

TEST(StuffStrategyTest, AnswersFromAllTextInOneCall) {
  FakeLanguageModel model(1000, AlwaysSays("It is 30 days [1], see [2]."));
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", "Leave is 30 days. "), Document("b", "Ask Ann.")};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "It is 30 days [1], see [2].");
  EXPECT_EQ(run.JoinedDeltas(), run.answer->text());
  EXPECT_EQ(run.answer->strategy(), STRATEGY_STUFF);
  ASSERT_EQ(run.answer->citations_size(), 2);
  EXPECT_EQ(run.answer->citations(0).source().document(), "a");
  EXPECT_EQ(run.answer->citations(0).source().quote(), "Leave is 30 days.");
  ExpectSoundCitations(*run.answer, task.inline_documents);
  ASSERT_EQ(run.answer->coverage_size(), 2);
  EXPECT_EQ(run.answer->coverage(0).bytes_read(), run.answer->coverage(0).text_bytes());
  EXPECT_EQ(model.prompts().size(), 1u);
}

TEST(StuffStrategyTest, FitsToTheLastToken) {
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", Sentences(20))};
  task.max_answer_tokens = 30;
  FakeLanguageModel large(1000, AlwaysSays("30 days"));
  const TaskRun measured = Perform(task, large);
  ASSERT_THAT(measured.answer, IsOk());
  const std::int32_t prompt_tokens = measured.started().largest_prompt_tokens();
  EXPECT_EQ(prompt_tokens, FakeLanguageModel::PromptTokens(large.prompts().front()));

  for (const std::int32_t context : {prompt_tokens + 30, prompt_tokens + 31}) {
    FakeLanguageModel model(context, AlwaysSays("30 days"));
    EXPECT_THAT(Perform(task, model).answer, IsOk());
  }
  FakeLanguageModel small(prompt_tokens + 29, AlwaysSays("30 days"));
  const TaskRun refused = Perform(task, small);
  EXPECT_THAT(refused.answer, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(services::ErrorReason(refused.answer.status()), services::kContextLengthExceeded);
  EXPECT_EQ(services::ErrorMetadata(refused.answer.status(), "tokens"),
            std::to_string(prompt_tokens));
  EXPECT_EQ(services::ErrorMetadata(refused.answer.status(), "limit"),
            std::to_string(prompt_tokens - 1));
  EXPECT_TRUE(refused.events.empty());
  EXPECT_TRUE(small.prompts().empty());
}

TEST(StuffStrategyTest, DocumentsOfManyMegabytesAreRefusedWithTheirTokens) {
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", Sentences(500'000))};
  ASSERT_GT(task.inline_documents.front().text.size(), std::size_t{14} << 20);
  const TaskRun run = Perform(task, model);
  EXPECT_EQ(services::ErrorMetadata(run.answer.status(), "tokens"), "3000000");
  EXPECT_EQ(model.num_counts(), 0);
}

TEST(StuffStrategyTest, MarkersInDocumentsAreNotCitations) {
  // The model copies what it reads.
  FakeLanguageModel model(1000, [](const services::Prompt& prompt, const std::stop_token&) {
    return prompt.user.substr(prompt.user.find("Built"));
  });
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", "Built in 1820 [1]. [2] Title\nMoved [1, 2] [7].")};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_TRUE(run.answer->text().starts_with("Built in 1820 (1). (2) Title\nMoved (1, 2) (7)."));
  for (const auto& citation : run.answer->citations()) {
    EXPECT_EQ(citation.marker_offsets_size(), 0);
  }
  EXPECT_EQ(run.answer->citations(0).source().quote(), task.inline_documents[0].text);
}

TEST(StuffStrategyTest, UnknownNumbersAreRemoved) {
  FakeLanguageModel model(1000, AlwaysSays("It is 30 days [1][99] [98]."));
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", "Leave is 30 days.")};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "It is 30 days [1].");
  EXPECT_EQ(run.JoinedDeltas(), run.answer->text());
}

TEST(StuffStrategyTest, AnswerWithoutMarkersCitesWhatWasRead) {
  FakeLanguageModel model(1000, AlwaysSays("30 days"));
  AnswerTask task = Question(STRATEGY_STUFF);
  task.inline_documents = {Document("a", "Leave is 30 days."), Document("b", "Ask Ann.")};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_FALSE(run.answer->no_answer());
  ASSERT_EQ(run.answer->citations_size(), 2);
  EXPECT_EQ(run.answer->citations(1).number(), 2);
  EXPECT_EQ(run.answer->citations(1).marker_offsets_size(), 0);
}

TEST(StuffStrategyTest, NoAnswerCitesNothing) {
  for (const char* reply : {"The documents do not say.", "", " \n"}) {
    FakeLanguageModel model(1000, AlwaysSays(reply));
    AnswerTask task = Question(STRATEGY_STUFF);
    task.inline_documents = {Document("a", "Ask Ann.")};
    const TaskRun run = Perform(task, model);
    ASSERT_THAT(run.answer, IsOk());
    EXPECT_TRUE(run.answer->no_answer());
    EXPECT_EQ(run.answer->text(), "The documents do not say.");
    EXPECT_EQ(run.JoinedDeltas(), run.answer->text());
    EXPECT_EQ(run.answer->citations_size(), 0);
  }
}

TEST(StuffStrategyTest, SaysThatTheAnswerWasCut) {
  FakeLanguageModel model(1000, AlwaysSays("one two three four"));
  AnswerTask task = Summary(STRATEGY_STUFF);
  task.inline_documents = {Document("a", "Ask Ann.")};
  task.max_answer_tokens = 3;
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "one two three");
  EXPECT_TRUE(run.answer->truncated());
}

}  // namespace
}  // namespace quire::testing
