#include "services/orchestrator/strategies/task_runner.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/random_documents.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STRATEGY_MAP_REDUCE;
using orchestrator::v1::STRATEGY_REFINE;
using orchestrator::v1::STRATEGY_STUFF;

AnswerTask LongQuestion(orchestrator::v1::Strategy strategy) {
  AnswerTask task = Question(strategy);
  task.inline_documents = {Document("a", Sentences(100))};
  return task;
}

// Where an event may stand in the stream.
int Phase(EventCase kind) {
  switch (kind) {
    case EventCase::kStarted:
      return 0;
    case EventCase::kProgress:
    case EventCase::kRetrieved:
    case EventCase::kStep:
      return 1;
    case EventCase::kDelta:
      return 2;
    case EventCase::kCitation:
      return 3;
    case EventCase::kAnswer:
      return 4;
    case EventCase::kUsage:
      return 5;
    default:
      return -1;
  }
}

TEST(TaskRunnerTest, EventsComeInTheOrderOfTheContract) {
  for (const auto strategy : {STRATEGY_MAP_REDUCE, STRATEGY_REFINE}) {
    FakeLanguageModel model(200, AlwaysSays("It is so [1]."));
    const TaskRun run = Perform(LongQuestion(strategy), model);
    ASSERT_THAT(run.answer, IsOk());
    int phase = 0;
    for (const AnswerEvent& event : run.events) {
      EXPECT_GE(Phase(event.event_case()), phase) << event.ShortDebugString();
      phase = Phase(event.event_case());
    }
    for (const EventCase once : {EventCase::kStarted, EventCase::kAnswer, EventCase::kUsage}) {
      EXPECT_EQ(run.Events(once).size(), 1u);
    }
    EXPECT_EQ(run.Events(EventCase::kCitation).size(),
              static_cast<std::size_t>(run.answer->citations_size()));
    EXPECT_EQ(run.started().request_id(), "request-1");
    EXPECT_EQ(run.started().context_tokens(), 200);
    EXPECT_EQ(run.events.back().usage().SerializeAsString(),
              run.answer->usage().SerializeAsString());
  }
}

TEST(TaskRunnerTest, ProgressReachesItsTotal) {
  FakeLanguageModel model(200, AlwaysSays("It is so [1]."));
  const TaskRun run = Perform(LongQuestion(STRATEGY_MAP_REDUCE), model);
  std::map<std::string, std::pair<int, int>> last;
  for (const AnswerEvent& event : run.Events(EventCase::kProgress)) {
    last[event.progress().stage()] = {event.progress().done(), event.progress().total()};
  }
  EXPECT_EQ(last["map"].first, last["map"].second);
  EXPECT_GT(last["map"].second, 3);
}

TEST(TaskRunnerTest, UsageAddsUpEveryCall) {
  FakeLanguageModel model(200, AlwaysSays("It is so."));
  const TaskRun run = Perform(LongQuestion(STRATEGY_MAP_REDUCE), model);
  ASSERT_THAT(run.answer, IsOk());
  std::int64_t prompt_tokens = 0;
  for (const auto& prompt : model.prompts()) {
    prompt_tokens += FakeLanguageModel::PromptTokens(prompt);
  }
  const auto& usage = run.answer->usage();
  EXPECT_EQ(usage.model_calls(), static_cast<int>(model.prompts().size()));
  EXPECT_EQ(usage.prompt_tokens(), prompt_tokens);
  EXPECT_EQ(usage.completion_tokens(), 3 * usage.model_calls());
}

TEST(TaskRunnerTest, TimesAreThoseOfTheClock) {
  // Each look at the clock takes a millisecond.
  auto now = std::chrono::steady_clock::time_point();
  const auto clock = [&now] { return now += std::chrono::milliseconds(1); };
  FakeRetriever retriever({{"collections/c/documents/a", "A", "Leave is 30 days."}});
  retriever.AddHit(0, 0, 17);
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask task = Question(orchestrator::v1::STRATEGY_RAG);
  task.collection = "collections/c";
  const TaskRun run = Perform(task, model, &retriever, clock);
  ASSERT_THAT(run.answer, IsOk());
  const auto& usage = run.answer->usage();
  EXPECT_EQ(usage.retrieval_ms(), 2.0);  // Search, ListDocuments
  EXPECT_GT(usage.first_delta_ms(), usage.retrieval_ms());
  EXPECT_GT(usage.total_ms(), usage.first_delta_ms());
}

TEST(TaskRunnerTest, TooManyCallsAreRefusedBeforeTheFirst) {
  FakeLanguageModel model(200, AlwaysSays("x"));
  AnswerTask task = LongQuestion(STRATEGY_REFINE);
  const TaskRun allowed = Perform(task, model);
  ASSERT_THAT(allowed.answer, IsOk());
  task.max_calls = allowed.answer->usage().model_calls();
  EXPECT_THAT(Perform(task, model).answer, IsOk());

  --task.max_calls;
  FakeLanguageModel unused(200, AlwaysSays("x"));
  const TaskRun refused = Perform(task, unused);
  EXPECT_THAT(refused.answer, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(services::ErrorReason(refused.answer.status()), services::kTooManyCalls);
  EXPECT_EQ(services::ErrorMetadata(refused.answer.status(), "max_calls"),
            std::to_string(task.max_calls));
  EXPECT_TRUE(unused.prompts().empty());
  EXPECT_TRUE(refused.events.empty());
}

TEST(TaskRunnerTest, AnswerTokensDependOnTheContextByDefault) {
  for (const auto& [context, expected] : {std::pair(400, 50), std::pair(100'000, 256)}) {
    std::int32_t said = 0;
    std::string endless;
    for (int i = 0; i < 300; ++i) endless += "word ";
    FakeLanguageModel model(context, AlwaysSays(endless));
    AnswerTask task = Question(STRATEGY_STUFF);
    task.inline_documents = {Document("a", "Text.")};
    const TaskRun run = Perform(task, model);
    ASSERT_THAT(run.answer, IsOk());
    said = FakeLanguageModel::CountWords(run.answer->text());
    EXPECT_EQ(said, expected);
  }
}

TEST(TaskRunnerTest, AnswerThatFillsTheContextIsRefused) {
  FakeLanguageModel model(200, AlwaysSays("x"));
  AnswerTask task = LongQuestion(STRATEGY_STUFF);
  task.max_answer_tokens = 200;
  EXPECT_THAT(Perform(task, model).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "options.max_answer_tokens"));
}

TEST(TaskRunnerTest, CallerWhoLeavesStopsTheTask) {
  // Gone at every event in turn.
  for (const auto strategy : {STRATEGY_STUFF, STRATEGY_MAP_REDUCE, STRATEGY_REFINE}) {
    AnswerTask task = LongQuestion(strategy);
    if (strategy == STRATEGY_STUFF) task.inline_documents = {Document("a", "Text.")};
    for (std::size_t left_after = 0;; ++left_after) {
      FakeLanguageModel model(200, AlwaysSays("It is so [1]."));
      std::size_t heard = 0;
      const auto answer =
          services::RunTask(task, {.model = model,
                                   .retriever = nullptr,
                                   .request_id = "",
                                   .sink = [&](const AnswerEvent&) { return heard++ < left_after; },
                                   .clock = std::chrono::steady_clock::now});
      EXPECT_EQ(model.num_running(), 0);
      if (answer.ok()) break;
      ASSERT_THAT(answer, HasCode(absl::StatusCode::kCancelled));
      ASSERT_EQ(heard, left_after + 1) << "an event was written to a caller who had left";
    }
  }
}

// Says some words of the prompt, some of which may be the end of a passage, and numbers of all
// kinds.
std::string Babble(const services::Prompt& prompt, std::uint32_t seed) {
  std::mt19937 random(seed + static_cast<std::uint32_t>(prompt.user.size()));
  if (random() % 5 == 0) return "The documents do not say.";
  std::istringstream words(prompt.user.substr(prompt.user.size() / 2));
  std::string said;
  std::size_t count = random() % 20;
  for (std::string word; count > 0 && words >> word; --count) {
    said += word + " ";
    if (random() % 4 == 0) said += "[" + std::to_string(1 + random() % 6) + "] ";
    if (random() % 9 == 0) said += "[1, 2] [99]";
  }
  return ReplaceInvalidUtf8(said);
}

// Any documents and any model output, every strategy that reads documents.
class RandomTaskTest : public ::testing::TestWithParam<orchestrator::v1::Strategy> {};

TEST_P(RandomTaskTest, HoldsItsPromises) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    AnswerTask task = seed % 2 == 0 ? Question(GetParam()) : Summary(GetParam());
    task.inline_documents = RandomDocuments(seed);
    const std::int32_t context =
        GetParam() == STRATEGY_STUFF ? 100'000 : 220 + static_cast<std::int32_t>(seed * 37 % 500);
    FakeLanguageModel model(context,
                            [seed](const services::Prompt& prompt, const std::stop_token&) {
                              return Babble(prompt, seed);
                            });
    if (seed % 7 == 0) model.IgnoreMaxTokens();
    const TaskRun run = Perform(task, model);
    // The fake refuses prompts that are too long.
    ASSERT_THAT(run.answer, IsOk()) << "seed " << seed;
    const auto& answer = *run.answer;
    EXPECT_EQ(run.JoinedDeltas(), answer.text()) << "seed " << seed;
    ExpectSoundCitations(answer, task.inline_documents);
    EXPECT_LE(answer.usage().model_calls(), run.started().planned_calls()) << "seed " << seed;
    if (GetParam() != STRATEGY_MAP_REDUCE) {
      EXPECT_EQ(answer.usage().model_calls(), run.started().planned_calls()) << "seed " << seed;
    }
    for (const services::Prompt& prompt : model.prompts()) {
      EXPECT_LE(FakeLanguageModel::PromptTokens(prompt), run.started().largest_prompt_tokens())
          << "seed " << seed;
    }
    for (std::size_t i = 0; i < task.inline_documents.size(); ++i) {
      const std::string& text = task.inline_documents[i].text;
      const bool is_blank = text.find_first_not_of(" \n") == std::string::npos;
      EXPECT_EQ(answer.coverage(static_cast<int>(i)).bytes_read(),
                is_blank ? 0 : static_cast<std::int64_t>(text.size()));
    }
    for (const AnswerEvent& event : run.Events(EventCase::kStep)) {
      for (const auto& source : event.step().sources()) {
        const auto document = std::ranges::find(task.inline_documents, source.document(),
                                                &services::SourceDocument::name);
        ASSERT_EQ(
            document->text.substr(static_cast<std::size_t>(source.start()), source.quote().size()),
            source.quote());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, RandomTaskTest,
                         ::testing::Values(STRATEGY_STUFF, STRATEGY_MAP_REDUCE, STRATEGY_REFINE));

}  // namespace
}  // namespace quire::testing
