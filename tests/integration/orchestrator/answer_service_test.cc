// AnswerService over loopback, with fakes of the services it calls.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "quire/orchestrator/v1/orchestrator.grpc.pb.h"
#include "services/orchestrator/orchestrator_server.h"
#include "services/server/channel.h"
#include "services/server/server.h"
#include "tests/integration/orchestrator/fake_chat_service.h"
#include "tests/integration/orchestrator/fake_document_services.h"
#include "tests/support/status_matchers.h"

namespace quire::testing {
namespace {

using orchestrator::v1::AskRequest;
using orchestrator::v1::AskResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AnswerServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto backend = services::Server::Start({}, {&chat_, &documents_, &search_});
    ASSERT_THAT(backend, IsOk());
    backend_ = *std::move(backend);
    auto server = services::Server::Start({}, orchestrator_->services());
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    stub_ = orchestrator::v1::AnswerService::NewStub(
        services::MakeChannel("127.0.0.1:" + std::to_string(server_->port())));
  }

  void Connect() {
    const auto channel = services::MakeChannel("127.0.0.1:" + std::to_string(backend_->port()));
    orchestrator_->Connect({.inference = channel, .retrieval = channel});
  }

  // A question to the collection; below, to a text of `num_words` words.
  static AskRequest CollectionRequest(orchestrator::v1::Strategy strategy) {
    AskRequest request;
    request.set_question("How long is leave?");
    request.mutable_sources()->set_collection("collections/c");
    request.set_strategy(strategy);
    return request;
  }
  static AskRequest InlineRequest(int num_words) {
    AskRequest request;
    request.set_question("How long is leave?");
    auto* document = request.mutable_sources()->add_inline_documents();
    document->set_id("notes.txt");
    std::string text = "Leave is 30 days. ";
    for (int i = 4; i < num_words; ++i) text += i % 10 == 0 ? "end. " : "word ";
    document->set_text(text);
    return request;
  }

  StatusOr<orchestrator::v1::Answer> Ask(const AskRequest& request) {
    grpc::ClientContext context;
    AskResponse response;
    const grpc::Status status = stub_->Ask(&context, request, &response);
    if (!status.ok()) return services::FromGrpcStatus(status);
    return response.answer();
  }

  FakeChatService chat_;
  FakeDocumentService documents_;
  FakeSearchService search_;
  std::unique_ptr<services::Server> backend_;
  std::unique_ptr<services::OrchestratorServer> orchestrator_ =
      services::OrchestratorServer::Create();
  std::unique_ptr<services::Server> server_;
  std::unique_ptr<orchestrator::v1::AnswerService::Stub> stub_;
};

TEST_F(AnswerServiceTest, AnswersFromACollection) {
  Connect();
  const auto answer = Ask(CollectionRequest(orchestrator::v1::STRATEGY_RAG));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->text(), "It is 30 days [1].");
  ASSERT_EQ(answer->citations_size(), 1);
  EXPECT_EQ(answer->citations(0).source().document(), FakeDocumentService::kName);
  EXPECT_EQ(answer->citations(0).source().quote(), "Leave is 30 days.");
  EXPECT_EQ(answer->coverage(0).text_bytes(), static_cast<int>(documents_.text.size()));
  EXPECT_EQ(search_.last_request.parent(), "collections/c");
  EXPECT_EQ(search_.last_request.top_k(), 8);
  EXPECT_THAT(chat_.prompts().back(), HasSubstr("[1] Handbook > Leave\nLeave is 30 days."));
}

TEST_F(AnswerServiceTest, ReadsWholeDocumentsInPieces) {
  Connect();
  documents_.bytes_per_read = 5;
  const auto answer = Ask(CollectionRequest(orchestrator::v1::STRATEGY_STUFF));
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(chat_.prompts().back(), HasSubstr(documents_.text));
  EXPECT_EQ(answer->citations(0).source().version(), 3);
}

TEST_F(AnswerServiceTest, DocumentReplacedWhileItIsReadIsAborted) {
  Connect();
  documents_.bytes_per_read = 5;
  documents_.reads_until_replaced = 2;
  EXPECT_THAT(Ask(CollectionRequest(orchestrator::v1::STRATEGY_REFINE)),
              FailsWith(absl::StatusCode::kAborted, "changed from version 3 to 4"));
}

TEST_F(AnswerServiceTest, StreamsEventsInOrder) {
  Connect();
  AskRequest request = InlineRequest(600);
  request.set_strategy(orchestrator::v1::STRATEGY_MAP_REDUCE);
  grpc::ClientContext context;
  const auto reader = stub_->StreamAsk(&context, request);
  orchestrator::v1::StreamAskResponse response;
  std::vector<orchestrator::v1::AnswerEvent> events;
  while (reader->Read(&response)) events.push_back(response.event());
  ASSERT_TRUE(reader->Finish().ok());
  std::string text;
  for (const auto& event : events) text += event.delta().text();
  ASSERT_GT(events.size(), 5u);
  EXPECT_TRUE(events.front().has_started());
  EXPECT_FALSE(events.front().started().request_id().empty());
  EXPECT_TRUE(events.back().has_usage());
  const auto& answer = events[events.size() - 2].answer();
  EXPECT_EQ(answer.text(), text);
  EXPECT_EQ(answer.usage().model_calls(), static_cast<int>(chat_.prompts().size()));
  EXPECT_GT(answer.usage().total_ms(), 0);
}

TEST_F(AnswerServiceTest, SummarizesInBothForms) {
  Connect();
  chat_.reply = [](const std::string&) { return "A summary."; };
  orchestrator::v1::SummarizeRequest request;
  *request.mutable_sources() = InlineRequest(50).sources();
  request.set_focus("leave");
  grpc::ClientContext context;
  orchestrator::v1::SummarizeResponse response;
  ASSERT_TRUE(stub_->Summarize(&context, request, &response).ok());
  EXPECT_EQ(response.answer().text(), "A summary.");
  EXPECT_THAT(chat_.prompts().back(), HasSubstr("Focus on: leave"));

  grpc::ClientContext stream_context;
  const auto reader = stub_->StreamSummarize(&stream_context, request);
  orchestrator::v1::StreamSummarizeResponse event;
  std::string text;
  while (reader->Read(&event)) text += event.event().delta().text();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(text, "A summary.");
}

TEST_F(AnswerServiceTest, ModelWithoutSystemRoleGetsOneMessage) {
  Connect();
  chat_.knows_system_role = false;
  ASSERT_THAT(Ask(InlineRequest(10)), IsOk());
  EXPECT_THAT(chat_.prompts().back(), HasSubstr("Answer the question"));
}

TEST_F(AnswerServiceTest, ModelWithoutTemplateGetsPlainText) {
  Connect();
  chat_.can_chat = false;
  const auto answer = Ask(InlineRequest(10));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->text(), "It is 30 days [1].");
  EXPECT_THAT(chat_.prompts().back(), HasSubstr("\n\n[1] notes.txt\nLeave"));
  EXPECT_EQ(chat_.prompts().back().back(), '\n');
}

TEST_F(AnswerServiceTest, PromptThatDoesNotFitIsRefusedWithNumbers) {
  Connect();
  AskRequest request = InlineRequest(600);
  request.set_strategy(orchestrator::v1::STRATEGY_STUFF);
  const auto answer = Ask(request);
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(services::ErrorReason(answer.status()), services::kContextLengthExceeded);
  EXPECT_EQ(services::ErrorMetadata(answer.status(), "limit"),
            std::to_string(FakeChatService::kContextTokens - FakeChatService::kContextTokens / 8));
  EXPECT_EQ(chat_.num_generations, 0);
}

TEST_F(AnswerServiceTest, FullQueueIsTriedAgainWhenItSaysWhen) {
  Connect();
  chat_.num_refusals = 2;
  EXPECT_THAT(Ask(InlineRequest(10)), IsOk());
  EXPECT_EQ(chat_.num_generations, 3);

  chat_.num_refusals = 1;
  chat_.says_when_to_come_back = false;
  EXPECT_THAT(Ask(InlineRequest(10)), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(chat_.num_generations, 4);
}

TEST_F(AnswerServiceTest, RetriesEndBeforeTheDeadline) {
  Connect();
  chat_.num_refusals = 1000;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(250));
  AskResponse response;
  const auto status = stub_->Ask(&context, InlineRequest(10), &response);
  EXPECT_FALSE(status.ok());
  EXPECT_LE(chat_.num_generations, 3);
}

TEST_F(AnswerServiceTest, VanishedClientCancelsTheModelCalls) {
  Connect();
  chat_.hangs = true;
  AskRequest request = InlineRequest(1000);
  request.set_strategy(orchestrator::v1::STRATEGY_MAP_REDUCE);
  request.mutable_options()->set_max_concurrent_calls(3);
  grpc::ClientContext context;
  const auto reader = stub_->StreamAsk(&context, request);
  while (chat_.num_generations < 3) std::this_thread::yield();
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (chat_.num_cancelled < 3) std::this_thread::yield();
  server_->Shutdown();  // returns once the call has ended
  EXPECT_EQ(chat_.num_generations, 3);
}

TEST_F(AnswerServiceTest, FailedCallCancelsTheOthers) {
  Connect();
  chat_.num_refusals = 1;
  chat_.says_when_to_come_back = false;
  chat_.hangs = true;
  AskRequest request = InlineRequest(1000);
  request.set_strategy(orchestrator::v1::STRATEGY_MAP_REDUCE);
  request.mutable_options()->set_max_concurrent_calls(3);
  EXPECT_THAT(Ask(request), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_LE(chat_.num_generations, 3);
}

TEST_F(AnswerServiceTest, CallsOfOneTaskHaveOneRequestId) {
  Connect();
  AskRequest request = InlineRequest(600);
  request.set_strategy(orchestrator::v1::STRATEGY_MAP_REDUCE);
  grpc::ClientContext context;
  const auto reader = stub_->StreamAsk(&context, request);
  orchestrator::v1::StreamAskResponse response;
  ASSERT_TRUE(reader->Read(&response));
  const std::string request_id = response.event().started().request_id();
  while (reader->Read(&response)) {
  }
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_GT(chat_.num_generations, 2);
  EXPECT_THAT(chat_.request_ids(), ElementsAre(request_id));
}

TEST_F(AnswerServiceTest, DeadlineAndRequestIdReachTheModel) {
  Connect();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  context.AddMetadata("x-request-id", "request-42");
  AskResponse response;
  ASSERT_TRUE(stub_->Ask(&context, InlineRequest(10), &response).ok());
  EXPECT_THAT(chat_.request_ids(), ElementsAre("request-42"));
  EXPECT_TRUE(chat_.had_deadline);
}

TEST_F(AnswerServiceTest, PeersThatAreAwayAreNamed) {
  EXPECT_THAT(Ask(InlineRequest(10)), FailsWith(absl::StatusCode::kUnavailable, "not connected"));
  const auto nowhere = services::MakeChannel("127.0.0.1:1");
  orchestrator_->Connect({.inference = nowhere, .retrieval = nullptr});
  EXPECT_THAT(Ask(InlineRequest(10)),
              FailsWith(absl::StatusCode::kUnavailable, "inference service"));
  EXPECT_THAT(Ask(CollectionRequest(orchestrator::v1::STRATEGY_RAG)),
              FailsWith(absl::StatusCode::kFailedPrecondition, "retrieval service"));
}

TEST_F(AnswerServiceTest, UnknownModelIsNotFound) {
  Connect();
  AskRequest request = InlineRequest(10);
  request.set_model("other");
  EXPECT_THAT(Ask(request), FailsWith(absl::StatusCode::kNotFound, "models/other"));
}

TEST_F(AnswerServiceTest, BadRequestsNameTheirFields) {
  Connect();
  const auto answer = Ask(AskRequest());
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kInvalidArgument));
  std::vector<std::string> fields;
  for (const auto& violation : services::FieldViolations(answer.status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ElementsAre("question", "sources"));
}

}  // namespace
}  // namespace quire::testing
