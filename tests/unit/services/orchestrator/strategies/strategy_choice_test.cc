#include "services/orchestrator/strategies/strategy_choice.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STRATEGY_AUTO;
using orchestrator::v1::STRATEGY_MAP_REDUCE;
using orchestrator::v1::STRATEGY_RAG;
using orchestrator::v1::STRATEGY_REFINE;
using orchestrator::v1::STRATEGY_STUFF;

constexpr char kDocumentA[] = "collections/c/documents/a";

TEST(StrategyChoiceTest, AutoStuffsWhatFits) {
  FakeRetriever retriever({{kDocumentA, "A", Sentences(5)}});
  FakeLanguageModel model(300, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_AUTO);
  task.collection = "collections/c";
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.started().strategy(), STRATEGY_STUFF);
  EXPECT_EQ(run.answer->strategy(), STRATEGY_STUFF);
}

TEST(StrategyChoiceTest, AutoSearchesForAQuestionThatDoesNotFit) {
  FakeRetriever retriever({{kDocumentA, "A", Sentences(100)}});
  retriever.AddHit(0, 0, 50);
  FakeLanguageModel model(300, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_AUTO);
  task.collection = "collections/c";
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->strategy(), STRATEGY_RAG);
  EXPECT_EQ(retriever.num_reads(), 1);
}

TEST(StrategyChoiceTest, AutoDoesNotReadALargeCollectionForAQuestion) {
  FakeRetriever retriever({{kDocumentA, "A", Sentences(1000)}});
  retriever.AddHit(0, 0, 50);
  FakeLanguageModel model(300, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_AUTO);
  task.collection = "collections/c";
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.answer->strategy(), STRATEGY_RAG);
  EXPECT_EQ(retriever.num_reads(), 0);
}

TEST(StrategyChoiceTest, AutoMapsWhatCannotBeSearched) {
  FakeLanguageModel model(300, AlwaysSays("x"));
  AnswerTask question = Question(STRATEGY_AUTO);
  question.inline_documents = {Document("a", Sentences(100))};
  EXPECT_EQ(Perform(question, model).answer->strategy(), STRATEGY_MAP_REDUCE);

  FakeRetriever retriever({{kDocumentA, "A", Sentences(100)}});
  AnswerTask summary = Summary(STRATEGY_AUTO);
  summary.collection = "collections/c";
  EXPECT_EQ(Perform(summary, model, &retriever).answer->strategy(), STRATEGY_MAP_REDUCE);
}

TEST(StrategyChoiceTest, StoredDocumentsComeBeforeInlineOnes) {
  FakeRetriever retriever({{kDocumentA, "A", "Stored text."}});
  FakeLanguageModel model(1000, AlwaysSays("x [1] y [2]"));
  for (const auto strategy : {STRATEGY_STUFF, STRATEGY_REFINE, STRATEGY_MAP_REDUCE}) {
    AnswerTask task = Question(strategy);
    task.collection = "collections/c";
    task.inline_documents = {Document("x", "Inline text.")};
    const TaskRun run = Perform(task, model, &retriever);
    ASSERT_THAT(run.answer, IsOk());
    ASSERT_EQ(run.answer->citations_size(), 2);
    EXPECT_EQ(run.answer->citations(0).source().document(), kDocumentA);
    EXPECT_EQ(run.answer->citations(0).source().version(), 1);
    EXPECT_EQ(run.answer->citations(1).source().document(), "x");
    EXPECT_EQ(run.answer->citations(1).source().version(), 0);
  }
}

TEST(StrategyChoiceTest, NothingToReadIsRefused) {
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask blank = Question(STRATEGY_STUFF);
  blank.inline_documents = {Document("a", " \n")};
  EXPECT_THAT(Perform(blank, model).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "white space"));

  FakeRetriever empty({});
  AnswerTask task = Question(STRATEGY_MAP_REDUCE);
  task.collection = "collections/c";
  EXPECT_THAT(Perform(task, model, &empty).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "no documents"));
}

TEST(StrategyChoiceTest, TooMuchTextIsRefusedBeforeItIsRead) {
  std::vector<FakeRetriever::Document> documents;
  const std::string text(std::size_t{20} << 20, 'x');
  for (const char* name : {"a", "b", "c", "d"}) documents.push_back({name, name, text});
  FakeRetriever retriever(std::move(documents));
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_REFINE);
  task.collection = "collections/c";
  EXPECT_THAT(Perform(task, model, &retriever).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "STRATEGY_RAG"));
  EXPECT_EQ(retriever.num_reads(), 0);
}

}  // namespace
}  // namespace quire::testing
