// What can never succeed is refused at once, with a code and the field, over the wire.

#include <gmock/gmock.h>

#include <limits>

#include "services/server/error_details.h"
#include "tests/integration/inference/inference_fixture.h"
#include "tests/integration/inference/tiny_models.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::InferenceService;
using quire::testing::FailsWith;
using quire::testing::HasCode;

constexpr int kSmallContextTokens = 256;

class BadInputTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<quire::testing::TemporaryDirectory>();
    testing::WriteLanguageModel(directory_->path() / "tiny", kSmallContextTokens);
    InferenceOptions options;
    options.model = (directory_->path() / "tiny").string();
    running_ = std::make_unique<testing::RunningInference>(options);
  }
  static void TearDownTestSuite() {
    running_.reset();
    directory_.reset();
  }

  // The error of Generate, which comes without any work being done.
  static Status Refusal(const GenerateRequest& request) {
    inference::v1::GenerateResponse response;
    const auto start = std::chrono::steady_clock::now();
    const Status status = running_->Call(&InferenceService::Stub::Generate, request, response);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
    return status;
  }
  static GenerateRequest TextRequest() {
    GenerateRequest request;
    request.set_text("Once");
    return request;
  }
  static std::string FirstField(const Status& status) {
    const auto violations = FieldViolations(status);
    return violations.empty() ? "" : violations.front().field;
  }

  static std::unique_ptr<quire::testing::TemporaryDirectory> directory_;
  static std::unique_ptr<testing::RunningInference> running_;
};
std::unique_ptr<quire::testing::TemporaryDirectory> BadInputTest::directory_;
std::unique_ptr<testing::RunningInference> BadInputTest::running_;

TEST_F(BadInputTest, NanTemperature) {
  GenerateRequest request = TextRequest();
  request.mutable_sampling()->set_temperature(std::numeric_limits<float>::quiet_NaN());
  const Status status = Refusal(request);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FirstField(status), "sampling.temperature");
}

TEST_F(BadInputTest, MaxTokensBeyondTheContext) {
  GenerateRequest request = TextRequest();  // 5 tokens with BOS
  request.mutable_stopping()->set_max_tokens(kSmallContextTokens);
  const Status status = Refusal(request);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FirstField(status), "stopping.max_tokens");
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(ErrorMetadata(status, "tokens"), std::to_string(kSmallContextTokens + 5));
  EXPECT_EQ(ErrorMetadata(status, "limit"), std::to_string(kSmallContextTokens));
}

TEST_F(BadInputTest, PromptBeyondTheContext) {
  GenerateRequest request;
  request.set_text(std::string(kSmallContextTokens, 'x'));
  const Status status = Refusal(request);
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(FirstField(status), "text");
}

TEST_F(BadInputTest, IdsOutOfRange) {
  for (const std::int32_t id :
       {-1, quire::testing::kTinyVocabSize, std::numeric_limits<std::int32_t>::max()}) {
    GenerateRequest request;
    request.mutable_token_ids()->add_ids(1);
    request.mutable_token_ids()->add_ids(id);
    const Status status = Refusal(request);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(FirstField(status), "token_ids.ids[1]");
  }
}

TEST_F(BadInputTest, TooManyStops) {
  GenerateRequest request = TextRequest();
  for (int i = 0; i < 100'000; ++i) request.mutable_stopping()->add_stop("x");
  const Status status = Refusal(request);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FirstField(status), "stopping.stop");
}

TEST_F(BadInputTest, ConstraintsThatCannotBeUsed) {
  GenerateRequest request = TextRequest();
  request.mutable_constraint()->set_regex("a(?=b)");
  EXPECT_THAT(Refusal(request), FailsWith(absl::StatusCode::kInvalidArgument, "byte 1: "));
  EXPECT_EQ(FirstField(Refusal(request)), "constraint.regex");
  request.mutable_constraint()->set_json_schema(R"({"properties": {"a": {"not": {}}}})");
  EXPECT_THAT(Refusal(request),
              FailsWith(absl::StatusCode::kInvalidArgument, "#/properties/a/not: "));
  EXPECT_EQ(FirstField(Refusal(request)), "constraint.json_schema");
  request.mutable_constraint()->mutable_choice()->add_choices("a");
  request.mutable_constraint()->mutable_choice()->add_choices("");
  EXPECT_EQ(FirstField(Refusal(request)), "constraint.choice.choices[1]");
}

TEST_F(BadInputTest, NoPrompt) { EXPECT_EQ(FirstField(Refusal(GenerateRequest())), "prompt"); }

TEST_F(BadInputTest, EveryBadFieldAtOnceStaysReadable) {
  GenerateRequest request = TextRequest();
  request.mutable_sampling()->set_top_p(7.0f);
  request.mutable_sampling()->set_top_k(-1);
  request.mutable_stopping()->set_max_tokens(-1);
  for (int i = 0; i < 16; ++i) request.mutable_stopping()->add_stop("");
  request.mutable_options()->set_logprobs(1000);
  const Status status = Refusal(request);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_GE(FieldViolations(status).size(), 5u);
}

TEST_F(BadInputTest, UnknownModel) {
  GenerateRequest request = TextRequest();
  request.set_model("gpt-17");
  EXPECT_THAT(Refusal(request), FailsWith(absl::StatusCode::kNotFound, "gpt-17"));
}

TEST_F(BadInputTest, EmbedWithoutAnEmbeddingModel) {
  inference::v1::EmbedRequest request;
  request.add_texts("x");
  inference::v1::EmbedResponse response;
  EXPECT_THAT(running_->Call(&InferenceService::Stub::Embed, request, response),
              FailsWith(absl::StatusCode::kFailedPrecondition, "--embedding-model"));
}

TEST_F(BadInputTest, ScoreOfOneIdOrBeyondTheContext) {
  inference::v1::ScoreRequest request;
  inference::v1::ScoreResponse response;
  request.add_ids(1);
  EXPECT_EQ(FirstField(running_->Call(&InferenceService::Stub::Score, request, response)), "ids");
  request.mutable_ids()->Resize(kSmallContextTokens + 1, 1);
  EXPECT_EQ(ErrorReason(running_->Call(&InferenceService::Stub::Score, request, response)),
            kContextLengthExceeded);
}

TEST_F(BadInputTest, InvalidUtf8NeverReachesAHandler) {
  // proto3 strings are UTF-8: the message does not parse.
  GenerateRequest request;
  request.set_text("\xff\xfe");
  inference::v1::GenerateResponse response;
  const Status status = running_->Call(&InferenceService::Stub::Generate, request, response);
  EXPECT_FALSE(status.ok());
}

TEST_F(BadInputTest, ServerStillAnswersAfterwards) {
  GenerateRequest request = TextRequest();
  request.mutable_stopping()->set_max_tokens(5);
  inference::v1::GenerateResponse response;
  EXPECT_THAT(running_->Call(&InferenceService::Stub::Generate, request, response),
              quire::testing::IsOk());
  EXPECT_TRUE(running_->AwaitIdle());
}

}  // namespace
}  // namespace quire::services
