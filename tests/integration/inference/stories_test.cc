// Text and scores of a real model, as recorded by others.

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/integration/inference/inference_fixture.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::GenerateResponse;
using inference::v1::InferenceService;
using inference::v1::StreamGenerateResponse;
using quire::testing::IsOk;
using quire::testing::SharedData;

std::string ReadAll(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// `max_tokens` greedy tokens after `prompt`.
GenerateRequest Greedy(const std::string& prompt, int max_tokens) {
  GenerateRequest request;
  request.set_text(prompt);
  request.mutable_sampling()->set_temperature(0.0f);
  request.mutable_stopping()->set_max_tokens(max_tokens);
  return request;
}

class StoriesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(Model())) return;
    InferenceOptions options;
    options.model = Model().string();
    running_ = std::make_unique<testing::RunningInference>(options);
  }
  static void TearDownTestSuite() { running_.reset(); }
  void SetUp() override { QUIRE_SKIP_WITHOUT(Model()); }

  static std::filesystem::path Model() { return SharedData("models/stories260k"); }

  static std::string Generate(const GenerateRequest& request) {
    GenerateResponse response;
    EXPECT_THAT(running_->Call(&InferenceService::Stub::Generate, request, response), IsOk());
    return response.text();
  }

  static std::unique_ptr<testing::RunningInference> running_;
};
std::unique_ptr<testing::RunningInference> StoriesTest::running_;

TEST_F(StoriesTest, GenerateContinuesBosAsRecorded) {
  GenerateResponse response;
  ASSERT_THAT(running_->Call(&InferenceService::Stub::Generate, Greedy("", 255), response), IsOk());
  std::string recorded = ReadAll(Model() / "greedy.txt");
  while (!recorded.empty() && recorded.back() == '\n') recorded.pop_back();
  EXPECT_EQ(response.text(), recorded);
  const auto ids = nlohmann::json::parse(ReadAll(Model() / "greedy_ids.json"));
  const auto recorded_ids = ids.get<std::vector<std::int32_t>>();
  EXPECT_THAT(response.token_ids(),
              ::testing::ElementsAreArray(recorded_ids.begin() + 1, recorded_ids.end()));
  EXPECT_EQ(response.finish_reason(), inference::v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(response.usage().prompt_tokens(), 1);
  EXPECT_EQ(response.usage().completion_tokens(), 255);
}

TEST_F(StoriesTest, StreamSendsTheSameTextInOrder) {
  const GenerateRequest request = Greedy("Once upon a time", 100);
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "story-1");
  const auto reader = running_->stub().StreamGenerate(&context, request);
  std::string order;
  std::string text;
  std::string request_id;
  int num_ids = 0;
  int completion_tokens = 0;
  StreamGenerateResponse message;
  while (reader->Read(&message)) {
    const std::string name =
        StreamGenerateResponse::descriptor()->FindFieldByNumber(message.event_case())->name();
    if (order.empty() || name != "delta" || !order.ends_with("delta ")) order += name + " ";
    text += message.delta().text();
    num_ids += message.delta().token_ids_size();
    if (message.has_started()) request_id = message.started().request_id();
    if (message.has_usage()) completion_tokens = message.usage().completion_tokens();
  }
  EXPECT_THAT(FromGrpcStatus(reader->Finish()), IsOk());
  EXPECT_EQ(order, "started delta finished usage ");
  EXPECT_EQ(request_id, "story-1");
  EXPECT_EQ(context.GetServerInitialMetadata().count("x-request-id"), 1u);
  EXPECT_EQ(num_ids, 100);
  EXPECT_EQ(completion_tokens, 100);
  EXPECT_EQ(text, Generate(request));
}

TEST_F(StoriesTest, SixteenAtOnceSayWhatEachSaysAlone) {
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 16; ++i) {
    requests.push_back(Greedy("Lily has " + std::to_string(i) + " toys", 40 + 5 * i));
    if (i % 2 == 1) {
      requests.back().mutable_sampling()->set_temperature(1.0f);
      requests.back().mutable_sampling()->set_seed(static_cast<std::uint64_t>(i));
    }
  }
  std::vector<std::string> alone;
  for (const auto& request : requests) alone.push_back(Generate(request));
  std::vector<std::future<std::string>> together;
  for (const auto& request : requests) {
    together.push_back(std::async(std::launch::async, [&request] { return Generate(request); }));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(together[i].get(), alone[i]) << i;
  EXPECT_TRUE(running_->AwaitIdle());
}

TEST_F(StoriesTest, UnsetSeedsDiffer) {
  GenerateRequest request = Greedy("Once", 60);
  request.mutable_sampling()->set_temperature(1.5f);
  EXPECT_NE(Generate(request), Generate(request));
}

TEST_F(StoriesTest, StopStringEndsTheOutputBeforeIt) {
  GenerateRequest request = Greedy("", 255);
  request.mutable_stopping()->add_stop("park.");
  GenerateResponse response;
  ASSERT_THAT(running_->Call(&InferenceService::Stub::Generate, request, response), IsOk());
  EXPECT_TRUE(response.text().ends_with("in the ")) << response.text();
  EXPECT_EQ(response.finish_reason(), inference::v1::FINISH_REASON_STOP_STRING);
  EXPECT_EQ(response.stop_match(), "park.");
}

TEST_F(StoriesTest, ScoresAreThoseRecorded) {
  const auto recorded = nlohmann::json::parse(ReadAll(Model() / "greedy_logprobs.json"));
  inference::v1::ScoreRequest request;
  for (const int id : recorded.at("ids")) request.add_ids(id);
  request.set_top(3);
  inference::v1::ScoreResponse response;
  ASSERT_THAT(running_->Call(&InferenceService::Stub::Score, request, response), IsOk());
  const auto& logprobs = recorded.at("logprobs");
  ASSERT_EQ(static_cast<std::size_t>(response.tokens_size()), logprobs.size());
  double largest = 0.0;
  for (int i = 0; i < response.tokens_size(); ++i) {
    EXPECT_EQ(response.tokens(i).token().id(), request.ids(i + 1));
    EXPECT_EQ(response.tokens(i).top_size(), 3);
    const double expected = logprobs[static_cast<std::size_t>(i)].get<double>();
    largest = std::max(largest, std::abs(response.tokens(i).token().logprob() - expected));
  }
  EXPECT_LE(largest, 1e-3);
}

TEST_F(StoriesTest, LogprobsComeWithEachToken) {
  GenerateRequest request = Greedy("", 10);
  request.mutable_options()->set_logprobs(2);
  GenerateResponse response;
  ASSERT_THAT(running_->Call(&InferenceService::Stub::Generate, request, response), IsOk());
  ASSERT_EQ(response.logprobs_size(), 10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(response.logprobs(i).token().id(), response.token_ids(i));
    ASSERT_EQ(response.logprobs(i).top_size(), 2);
    // Greedy: the chosen token is the most likely one.
    EXPECT_EQ(response.logprobs(i).top(0).id(), response.token_ids(i));
  }
}

TEST_F(StoriesTest, ChatNeedsATemplate) {
  inference::v1::ChatRequest request;
  request.add_messages()->set_role("user");
  inference::v1::ChatResponse response;
  EXPECT_THAT(running_->Call(&InferenceService::Stub::Chat, request, response),
              quire::testing::FailsWith(absl::StatusCode::kFailedPrecondition, "chat template"));
}

}  // namespace
}  // namespace quire::services
