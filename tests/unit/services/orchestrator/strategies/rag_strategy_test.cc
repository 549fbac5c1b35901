#include "services/orchestrator/strategies/rag_strategy.h"

#include <gtest/gtest.h>

#include "services/server/error_details.h"
#include "tests/unit/services/orchestrator/strategies/task_fixture.h"

namespace quire::testing {
namespace {

using orchestrator::v1::STRATEGY_RAG;
using services::Passage;

constexpr char kA[] = "collections/c/documents/a";
constexpr char kB[] = "collections/c/documents/b";

AnswerTask CollectionQuestion() {
  AnswerTask task = Question(STRATEGY_RAG);
  task.collection = "collections/c";
  return task;
}

Passage Range(const std::string& document, const std::string& text, std::int64_t start,
              std::int64_t end) {
  return {
      .document = document,
      .title = document,
      .version = 1,
      .start = start,
      .end = end,
      .text = text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)),
      .headings = {}};
}

TEST(RagStrategyTest, AnswersFromWhatTheSearchFinds) {
  FakeRetriever retriever({{kA, "A", "Leave is 30 days. Ask Ann.", 4}});
  retriever.AddHit(0, 0, 17);
  FakeLanguageModel model(1000, AlwaysSays("30 days [1]"));
  AnswerTask task = CollectionQuestion();
  task.top_k = 5;
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(retriever.last_search().query, task.subject);
  EXPECT_EQ(retriever.last_search().top_k, 5);
  EXPECT_EQ(run.started().planned_calls(), 1);
  ASSERT_EQ(run.answer->citations_size(), 1);
  EXPECT_EQ(run.answer->citations(0).source().quote(), "Leave is 30 days.");
  EXPECT_EQ(run.answer->citations(0).source().version(), 4);
  ASSERT_EQ(run.answer->coverage_size(), 1);
  EXPECT_EQ(run.answer->coverage(0).text_bytes(), 26);
  EXPECT_EQ(run.answer->coverage(0).bytes_read(), 17);
}

TEST(RagStrategyTest, LowestRankedAreLeftOutUntilThePromptFits) {
  const std::string text = Sentences(60);
  FakeRetriever retriever({{kA, "A", text}});
  const std::size_t sentence = Sentences(10).size();
  for (const std::size_t i : {4u, 0u, 3u, 2u}) {
    retriever.AddHit(0, i * sentence, (i + 1) * sentence);
  }
  FakeLanguageModel model(250, AlwaysSays("x"));
  const TaskRun run = Perform(CollectionQuestion(), model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  const auto retrieved = run.Events(EventCase::kRetrieved)[0].retrieved();
  ASSERT_EQ(retrieved.sources_size(), 2);
  EXPECT_EQ(retrieved.sources(0).start(), static_cast<std::int64_t>(4 * sentence));
  EXPECT_EQ(retrieved.sources(1).start(), 0);
  EXPECT_EQ(run.started().largest_prompt_tokens(),
            FakeLanguageModel::PromptTokens(model.prompts()[0]));
  // In reading order in the prompt, best first in the event.
  EXPECT_LT(model.prompts()[0].user.find("number 0."), model.prompts()[0].user.find("number 41."));
}

TEST(RagStrategyTest, BestPassageThatDoesNotFitIsReadFromItsStart) {
  const std::string text = Sentences(100);
  FakeRetriever retriever({{kA, "A", text}});
  retriever.AddHit(0, 0, text.size());
  FakeLanguageModel model(150, AlwaysSays("x [1]"));
  const TaskRun run = Perform(CollectionQuestion(), model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  ASSERT_EQ(run.answer->citations_size(), 1);
  const auto& source = run.answer->citations(0).source();
  EXPECT_EQ(source.quote(), text.substr(0, static_cast<std::size_t>(source.end())));
  EXPECT_EQ(run.answer->coverage(0).bytes_read(), source.end());
  EXPECT_GT(run.started().largest_prompt_tokens(), 150 - 18 - 8);
}

TEST(RagStrategyTest, NothingFoundIsNoAnswerWithoutACall) {
  FakeRetriever retriever({{kA, "A", "Leave is 30 days."}});
  FakeLanguageModel model(1000, AlwaysSays("x"));
  const TaskRun run = Perform(CollectionQuestion(), model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_TRUE(run.answer->no_answer());
  EXPECT_EQ(run.answer->text(), "The documents do not say.");
  EXPECT_EQ(run.started().planned_calls(), 0);
  EXPECT_TRUE(model.prompts().empty());
}

TEST(RagStrategyTest, DocumentThatChangedSinceTheSearchIsAborted) {
  FakeRetriever retriever({{kA, "A", "Leave is 30 days."}});
  retriever.AddHit(0, 0, 17);
  retriever.SetVersion(0, 2);
  FakeLanguageModel model(1000, AlwaysSays("x"));
  EXPECT_THAT(Perform(CollectionQuestion(), model, &retriever).answer,
              FailsWith(absl::StatusCode::kAborted, "changed from version 1 to 2"));
}

TEST(RagStrategyTest, NamedDocumentsAreAllInTheCoverage) {
  FakeRetriever retriever({{kA, "A", "Leave is 30 days."}, {kB, "B", "Ask Ann."}});
  retriever.AddHit(0, 0, 17);
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask task = CollectionQuestion();
  task.documents = {kB, kA};
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(retriever.last_search().documents, task.documents);
  ASSERT_EQ(run.answer->coverage_size(), 2);
  EXPECT_EQ(run.answer->coverage(0).document(), kB);
  EXPECT_EQ(run.answer->coverage(0).bytes_read(), 0);
}

TEST(RagStrategyTest, InlineDocumentsAreRefused) {
  FakeRetriever retriever({{kA, "A", "Leave is 30 days."}});
  FakeLanguageModel model(1000, AlwaysSays("x"));
  AnswerTask task = Question(STRATEGY_RAG);
  task.inline_documents = {Document("x", "Text.")};
  EXPECT_THAT(Perform(task, model).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "upload them"));
  task.collection = "collections/c";
  EXPECT_THAT(Perform(task, model, &retriever).answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "upload them"));
}

TEST(RagStrategyTest, SummaryReadsPassagesOfEveryDocument) {
  FakeRetriever retriever({{kA, "A", Sentences(200)}, {kB, "B", Sentences(200)}});
  FakeLanguageModel model(2000, AlwaysSays("All sentences."));
  AnswerTask task = Summary(STRATEGY_RAG);
  task.collection = "collections/c";
  task.top_k = 6;
  const TaskRun run = Perform(task, model, &retriever);
  ASSERT_THAT(run.answer, IsOk());
  EXPECT_EQ(run.Events(EventCase::kRetrieved)[0].retrieved().sources_size(), 6);
  ASSERT_EQ(run.answer->coverage_size(), 2);
  for (const auto& coverage : run.answer->coverage()) {
    EXPECT_GT(coverage.bytes_read(), 2000);
    EXPECT_LT(coverage.bytes_read(), coverage.text_bytes());
  }
}

TEST(OrderForReadingTest, GroupsByDocumentInOrderOfTheBest) {
  const std::string text = "0123456789";
  const std::vector<Passage> ranked = {Range("b", text, 6, 8), Range("a", text, 0, 2),
                                       Range("b", text, 0, 2)};
  const auto ordered = services::OrderForReading(ranked);
  ASSERT_EQ(ordered.size(), 3u);
  EXPECT_EQ(ordered[0].document, "b");
  EXPECT_EQ(ordered[0].start, 0);
  EXPECT_EQ(ordered[1].start, 6);
  EXPECT_EQ(ordered[2].document, "a");
}

TEST(OrderForReadingTest, OverlapIsShownOnce) {
  const std::string text = "One. Two. Three. Four.";
  const std::vector<Passage> ranked = {Range("a", text, 5, 16), Range("a", text, 0, 9),
                                       Range("a", text, 10, 16)};
  const auto ordered = services::OrderForReading(ranked);
  ASSERT_EQ(ordered.size(), 2u);
  EXPECT_EQ(ordered[0].text, "One. Two.");
  EXPECT_EQ(ordered[1].text, "Three.");
  EXPECT_EQ(ordered[1].start, 10);
  EXPECT_EQ(ordered[1].end, 16);
}

}  // namespace
}  // namespace quire::testing
