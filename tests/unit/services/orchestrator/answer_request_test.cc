#include "services/orchestrator/answer_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using orchestrator::v1::AskRequest;
using orchestrator::v1::SummarizeRequest;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

AskRequest ValidRequest() {
  AskRequest request;
  request.set_question("Why?");
  request.mutable_sources()->set_collection("collections/c-1");
  return request;
}

std::vector<std::string> Fields(const Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolations(status)) fields.push_back(violation.field);
  return fields;
}

TEST(AnswerRequestTest, FillsInDefaults) {
  const auto task = ToTask(ValidRequest());
  ASSERT_THAT(task, IsOk());
  EXPECT_TRUE(task->is_question);
  EXPECT_EQ(task->strategy, orchestrator::v1::STRATEGY_AUTO);
  EXPECT_EQ(task->top_k, 8);
  EXPECT_EQ(task->max_concurrent_calls, 8);
  EXPECT_EQ(task->max_calls, 10'000);
  EXPECT_FALSE(task->seed.has_value());
}

TEST(AnswerRequestTest, TakesWhatIsSet) {
  AskRequest request = ValidRequest();
  request.set_strategy(orchestrator::v1::STRATEGY_REFINE);
  request.mutable_options()->set_top_k(3);
  request.mutable_options()->set_max_answer_tokens(20);
  request.mutable_options()->set_max_concurrent_calls(2);
  request.mutable_options()->set_max_calls(5);
  request.mutable_options()->set_temperature(0.5f);
  request.mutable_options()->set_seed(7);
  request.mutable_sources()->add_documents("collections/c-1/documents/a.md");
  auto* document = request.mutable_sources()->add_inline_documents();
  document->set_id("x");
  document->set_text("Text.");
  const auto task = ToTask(request);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->strategy, orchestrator::v1::STRATEGY_REFINE);
  EXPECT_EQ(task->top_k, 3);
  EXPECT_EQ(task->max_answer_tokens, 20);
  EXPECT_EQ(task->max_concurrent_calls, 2);
  EXPECT_EQ(task->max_calls, 5);
  EXPECT_EQ(task->temperature, 0.5f);
  EXPECT_EQ(task->seed, 7u);
  EXPECT_THAT(task->documents, ElementsAre("collections/c-1/documents/a.md"));
  EXPECT_EQ(task->inline_documents[0].title, "x");
}

struct BadRequest {
  const char* field;
  std::function<void(AskRequest&)> spoil;
};

TEST(AnswerRequestTest, NamesTheFieldThatIsWrong) {
  const auto inline_document = [](AskRequest& request, const std::string& id, std::size_t bytes) {
    auto* document = request.mutable_sources()->add_inline_documents();
    document->set_id(id);
    document->set_text(std::string(bytes, 'x'));
  };
  const std::vector<BadRequest> cases = {
      {"question", [](AskRequest& r) { r.clear_question(); }},
      {"question", [](AskRequest& r) { r.set_question(" \n\t"); }},
      {"question", [](AskRequest& r) { r.set_question(std::string((64 << 10) + 1, 'q')); }},
      {"sources", [](AskRequest& r) { r.clear_sources(); }},
      {"sources.collection", [](AskRequest& r) { r.mutable_sources()->set_collection("c"); }},
      {"sources.collection",
       [](AskRequest& r) { r.mutable_sources()->set_collection("collections/a/b"); }},
      {"sources.collection",
       [](AskRequest& r) { r.mutable_sources()->set_collection("collections/.a"); }},
      {"sources.collection",
       [](AskRequest& r) {
         r.mutable_sources()->clear_collection();
         r.mutable_sources()->add_documents("collections/c/documents/d");
       }},
      {"sources.documents[0]",
       [](AskRequest& r) { r.mutable_sources()->add_documents("collections/other/documents/d"); }},
      {"sources.documents[1]",
       [](AskRequest& r) {
         r.mutable_sources()->add_documents("collections/c-1/documents/d");
         r.mutable_sources()->add_documents("collections/c-1/documents/d");
       }},
      {"sources.inline_documents[0].id", [&](AskRequest& r) { inline_document(r, "", 1); }},
      {"sources.inline_documents[1].id",
       [&](AskRequest& r) {
         inline_document(r, "x", 1);
         inline_document(r, "x", 1);
       }},
      {"sources.inline_documents",
       [&](AskRequest& r) { inline_document(r, "x", (std::size_t{12} << 20) + 1); }},
      {"strategy",
       [](AskRequest& r) { r.set_strategy(static_cast<orchestrator::v1::Strategy>(77)); }},
      {"options.top_k", [](AskRequest& r) { r.mutable_options()->set_top_k(-1); }},
      {"options.top_k", [](AskRequest& r) { r.mutable_options()->set_top_k(101); }},
      {"options.max_answer_tokens",
       [](AskRequest& r) { r.mutable_options()->set_max_answer_tokens(-1); }},
      {"options.max_concurrent_calls",
       [](AskRequest& r) { r.mutable_options()->set_max_concurrent_calls(65); }},
      {"options.max_calls", [](AskRequest& r) { r.mutable_options()->set_max_calls(-5); }},
      {"options.temperature",
       [](AskRequest& r) {
         r.mutable_options()->set_temperature(std::numeric_limits<float>::quiet_NaN());
       }},
      {"options.temperature", [](AskRequest& r) { r.mutable_options()->set_temperature(-0.1f); }},
      {"options.temperature", [](AskRequest& r) { r.mutable_options()->set_temperature(101.0f); }},
  };
  for (const BadRequest& bad : cases) {
    AskRequest request = ValidRequest();
    bad.spoil(request);
    const Status status = ToTask(request).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << bad.field;
    EXPECT_THAT(Fields(status), ElementsAre(bad.field)) << status;
  }
}

TEST(AnswerRequestTest, NamesEveryFieldThatIsWrong) {
  AskRequest request = ValidRequest();
  request.clear_question();
  request.mutable_options()->set_top_k(-1);
  EXPECT_THAT(Fields(ToTask(request).status()), ElementsAre("question", "options.top_k"));
}

TEST(AnswerRequestTest, FocusMayBeEmptyButNotEndless) {
  SummarizeRequest request;
  request.mutable_sources()->set_collection("collections/c");
  const auto task = ToTask(request);
  ASSERT_THAT(task, IsOk());
  EXPECT_FALSE(task->is_question);
  request.set_focus(std::string((64 << 10) + 1, 'f'));
  EXPECT_THAT(Fields(ToTask(request).status()), ElementsAre("focus"));
}

}  // namespace
}  // namespace quire::services
