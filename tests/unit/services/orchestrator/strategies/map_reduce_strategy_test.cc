#include "services/orchestrator/strategies/map_reduce_strategy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <set>

#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STEP_KIND_MAP;
using orchestrator::v1::STEP_KIND_REDUCE;
using orchestrator::v1::STRATEGY_MAP_REDUCE;
using services::Prompt;

int CountSteps(const TaskRun& run, orchestrator::v1::StepKind kind) {
  int count = 0;
  for (const AnswerEvent& event : run.Events(EventCase::kStep))
    count += event.step().kind() == kind;
  return count;
}

// The number of the first sentence in a prompt.
std::string FirstNumber(const Prompt& prompt) {
  const std::size_t at = prompt.user.find("number ") + 7;
  return prompt.user.substr(at, prompt.user.find('.', at) - at);
}

TEST(MapReduceStrategyTest, TextThatFitsTakesOneCall) {
  FakeLanguageModel model(1000, AlwaysSays("30 days [1]"));
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(10))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->strategy(), STRATEGY_MAP_REDUCE);
  EXPECT_EQ(run.started().planned_calls(), 1);
  EXPECT_EQ(model.prompts().size(), 1u);
  EXPECT_EQ(run.answer->citations_size(), 1);
}

TEST(MapReduceStrategyTest, ReadsEveryByteAndMergesInOrder) {
  FakeLanguageModel model(200, [](const Prompt& prompt, const std::stop_token&) {
    return IsReduce(prompt) ? std::string("merged") : "from " + FirstNumber(prompt) + " on [1]";
  });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(60)), Document("b", Sentences(60))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_GT(CountSteps(run, STEP_KIND_MAP), 4);
  EXPECT_EQ(run.answer->text(), "merged");
  EXPECT_EQ(run.JoinedDeltas(), "merged");
  for (const auto& coverage : run.answer->coverage()) {
    EXPECT_EQ(coverage.bytes_read(), coverage.text_bytes()) << coverage.document();
  }
  const std::string last = model.prompts().back().user;
  EXPECT_LT(last.find("from 0 on [1]"), last.find("[2]"));
  int index = 0;
  for (const AnswerEvent& event : run.Events(EventCase::kStep)) {
    if (event.step().kind() == STEP_KIND_MAP) {
      EXPECT_EQ(event.step().index(), index++);
      EXPECT_GT(event.step().sources_size(), 0);
    }
  }
  EXPECT_GE(run.started().planned_calls(), static_cast<int>(model.prompts().size()));
}

TEST(MapReduceStrategyTest, CitationsOfThePartsReachTheAnswer) {
  // Each part names its first passage; the merge keeps every second note's marker.
  FakeLanguageModel model(400, [](const Prompt& prompt, const std::stop_token&) {
    if (!IsReduce(prompt)) return "Number " + FirstNumber(prompt) + " [1].";
    return std::string("First [1]. Third [3]. None [77].");
  });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(150))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "First [1]. Third [3]. None.");
  ASSERT_EQ(run.answer->citations_size(), 2);
  EXPECT_EQ(run.answer->citations(0).source().start(), 0);
  EXPECT_EQ(run.answer->citations(1).number(), 3);
  const auto third = run.Events(EventCase::kStep)[2].step().sources(0);
  EXPECT_EQ(run.answer->citations(1).source().start(), third.start());
  ExpectSoundCitations(*run.answer, task.inline_documents);
}

TEST(MapReduceStrategyTest, PartsWithoutAnAnswerAreLeftOut) {
  FakeLanguageModel model(200, [](const Prompt& prompt, const std::stop_token&) -> std::string {
    if (IsReduce(prompt)) return "Merged [1].";
    const int first = std::stoi(FirstNumber(prompt));
    return first == 0 || first > 50 ? "Found in " + FirstNumber(prompt) + " [1]." : kNoAnswer;
  });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(100))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(model.prompts().back().user.find(kNoAnswer), std::string::npos);
  EXPECT_FALSE(run.answer->no_answer());
}

TEST(MapReduceStrategyTest, OnePartWithAnAnswerNeedsNoMerge) {
  FakeLanguageModel model(200, [](const Prompt& prompt, const std::stop_token&) -> std::string {
    return FirstNumber(prompt) == "0" ? "30 days [1]." : kNoAnswer;
  });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(100))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->text(), "30 days [1].");
  EXPECT_EQ(run.JoinedDeltas(), run.answer->text());
  EXPECT_EQ(CountSteps(run, STEP_KIND_MAP), static_cast<int>(model.prompts().size()));
  ExpectSoundCitations(*run.answer, task.inline_documents);
}

TEST(MapReduceStrategyTest, NoPartWithAnAnswerIsNoAnswer) {
  FakeLanguageModel model(200, AlwaysSays(kNoAnswer));
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(100))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_TRUE(run.answer->no_answer());
  EXPECT_EQ(run.answer->text(), kNoAnswer);
  EXPECT_EQ(run.answer->citations_size(), 0);
  EXPECT_EQ(run.answer->usage().model_calls(), CountSteps(run, STEP_KIND_MAP));
}

TEST(MapReduceStrategyTest, MergesInLevelsWithinThePlan) {
  // Every reply takes all the tokens it may, so that few results fit a merge.
  std::string long_reply;
  for (int i = 0; i < 100; ++i) long_reply += "word ";
  FakeLanguageModel model(200, AlwaysSays(long_reply));
  AnswerTask task = Summary(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(600))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_GT(CountSteps(run, STEP_KIND_MAP), 20);
  EXPECT_GT(CountSteps(run, STEP_KIND_REDUCE), 3);
  EXPECT_GE(run.started().planned_calls(), run.answer->usage().model_calls());
  EXPECT_LE(run.started().planned_calls(), run.answer->usage().model_calls() * 5 / 4);
  int index = 0;
  for (const AnswerEvent& event : run.Events(EventCase::kStep)) {
    EXPECT_TRUE(event.step().truncated());
    if (event.step().kind() == STEP_KIND_REDUCE) {
      EXPECT_EQ(event.step().index(), index++);
    }
  }
}

TEST(MapReduceStrategyTest, ResultsThatAreTooLongAreShortened) {
  std::string long_reply;
  for (int i = 0; i < 140; ++i) long_reply += "word ";
  FakeLanguageModel model(200, AlwaysSays(long_reply));
  model.IgnoreMaxTokens();
  AnswerTask task = Summary(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(100))};
  const TaskRun run = Perform(task, model);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_LE(run.answer->usage().model_calls(), run.started().planned_calls());
}

TEST(MapReduceStrategyTest, ContextWithoutRoomForTwoResultsIsRefused) {
  FakeLanguageModel model(200, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(100))};
  task.max_answer_tokens = 70;
  const TaskRun run = Perform(task, model);
  EXPECT_EQ(services::ErrorReason(run.answer.status()), services::kContextLengthExceeded);
  EXPECT_THAT(run.answer, FailsWith(absl::StatusCode::kInvalidArgument, "max_answer_tokens"));
  EXPECT_TRUE(model.prompts().empty());
}

TEST(MapReduceStrategyTest, RunsAsManyCallsAtOnceAsAsked) {
  constexpr int kAtOnce = 4;
  std::atomic<int> arrived = 0;
  FakeLanguageModel model(200, [&](const Prompt&, const std::stop_token&) -> std::string {
    const int number = ++arrived;
    arrived.notify_all();
    // The first ones wait for each other.
    for (int now = arrived; number <= kAtOnce && now < kAtOnce; now = arrived) arrived.wait(now);
    return "x";
  });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(200))};
  task.max_concurrent_calls = kAtOnce;
  ASSERT_THAT(Perform(task, model).answer, IsOk());
  EXPECT_EQ(model.max_running(), kAtOnce);
}

TEST(MapReduceStrategyTest, FirstErrorCancelsTheOtherCalls) {
  FakeLanguageModel model(
      200, [](const Prompt& prompt, const std::stop_token& stop) -> StatusOr<std::string> {
        if (FirstNumber(prompt) == "0") return Unavailable("model is away");
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        stopped.wait(lock, stop, [] { return false; });
        return Cancelled("stopped");
      });
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.inline_documents = {Document("a", Sentences(200))};
  task.max_concurrent_calls = 3;
  const TaskRun run = Perform(task, model);
  EXPECT_THAT(run.answer, FailsWith(absl::StatusCode::kUnavailable, "model is away"));
  EXPECT_EQ(model.num_running(), 0);
  EXPECT_LE(model.prompts().size(), 3u);
  EXPECT_TRUE(run.Events(EventCase::kAnswer).empty());
}

}  // namespace
}  // namespace quire::testing
