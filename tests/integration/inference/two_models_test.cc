// A language model with a template and an embedding model behind one port.

#include <gmock/gmock.h>

#include <cmath>

#include "services/server/error_details.h"
#include "tests/integration/inference/inference_fixture.h"
#include "tests/integration/inference/tiny_models.h"
#include "tests/support/grpc_probes.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using inference::v1::InferenceService;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTemplate[] =
    "{% for m in messages %}{% if m['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ bos_token + m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}";
constexpr char kServiceName[] = "quire.inference.v1.InferenceService";

class TwoModelsTest : public ::testing::Test {
 protected:
  TwoModelsTest() {
    testing::WriteLanguageModel(directory_.path() / "writer", 256, kTemplate);
    std::ofstream(directory_.path() / "writer" / "tokenizer_config.json")
        << R"({"bos_token": "<s>", "eos_token": "</s>"})";
    testing::WriteEmbeddingModel(directory_.path() / "vectors");
    options_.model = (directory_.path() / "writer").string();
    options_.embedding_model = (directory_.path() / "vectors").string();
  }

  quire::testing::TemporaryDirectory directory_;
  InferenceOptions options_;
};

TEST_F(TwoModelsTest, CallsBeforeTheModelsAreLoadedAreToldToRetry) {
  testing::RunningInference running(options_, /*load=*/false);
  EXPECT_EQ(quire::testing::CheckHealth(running.channel(), kServiceName), "NOT_SERVING");
  EXPECT_EQ(quire::testing::CheckHealth(running.channel(), "liveness"), "SERVING");
  EXPECT_TRUE(running.inference().Description().empty());
  inference::v1::ListModelsResponse response;
  const Status early = running.Call(&InferenceService::Stub::ListModels,
                                    inference::v1::ListModelsRequest(), response);
  EXPECT_THAT(early, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ErrorReason(early), kModelLoading);
  EXPECT_TRUE(RetryDelay(early).has_value());
  ASSERT_THAT(running.inference().Load(), IsOk());
  EXPECT_THAT(running.Call(&InferenceService::Stub::ListModels, inference::v1::ListModelsRequest(),
                           response),
              IsOk());
  ASSERT_EQ(response.models_size(), 2);
  EXPECT_EQ(response.models(0).name(), "models/writer");
  EXPECT_TRUE(response.models(0).can_chat());
  EXPECT_EQ(response.models(1).name(), "models/vectors");
  // A line per model and the plan of the memory.
  const std::vector<std::string> lines = running.inference().Description();
  ASSERT_EQ(lines.size(), 3u);
  for (const char* part :
       {"planned of", "language model", "KV cache", "contexts of up to", "embedding model"}) {
    EXPECT_THAT(lines[2], HasSubstr(part));
  }
}

TEST_F(TwoModelsTest, HealthAndReflectionAnswer) {
  testing::RunningInference running(options_);
  EXPECT_EQ(quire::testing::CheckHealth(running.channel(), ""), "SERVING");
  EXPECT_EQ(quire::testing::CheckHealth(running.channel(), kServiceName), "SERVING");
  EXPECT_THAT(quire::testing::ListServices(running.channel()), HasSubstr(kServiceName));
}

TEST_F(TwoModelsTest, ChatUsesTheTemplateAndItsTokens) {
  testing::RunningInference running(options_);
  inference::v1::RenderPromptRequest render;
  auto* message = render.add_messages();
  message->set_role("user");
  message->set_content("say </s>");
  inference::v1::RenderPromptResponse rendered;
  ASSERT_THAT(running.Call(&InferenceService::Stub::RenderPrompt, render, rendered), IsOk());
  EXPECT_EQ(rendered.text(), "<s>user: say </s></s>assistant: ");
  EXPECT_EQ(rendered.context_tokens(), 256);
  // The template's "</s>" is the token; the user's is four characters.
  EXPECT_EQ(std::count(rendered.token_ids().begin(), rendered.token_ids().end(), 2), 1);

  inference::v1::ChatRequest request;
  *request.mutable_messages() = render.messages();
  request.mutable_stopping()->set_max_tokens(8);
  inference::v1::ChatResponse response;
  ASSERT_THAT(running.Call(&InferenceService::Stub::Chat, request, response), IsOk());
  EXPECT_EQ(response.message().role(), "assistant");
  EXPECT_EQ(response.usage().prompt_tokens(), rendered.num_tokens());
}

TEST_F(TwoModelsTest, TemplateRefusalIsTheCallersFault) {
  testing::RunningInference running(options_);
  inference::v1::ChatRequest request;
  request.add_messages()->set_role("system");
  inference::v1::ChatResponse response;
  EXPECT_THAT(running.Call(&InferenceService::Stub::Chat, request, response),
              FailsWith(absl::StatusCode::kInvalidArgument, "System role not supported"));
}

TEST_F(TwoModelsTest, EmbedGivesUnitVectorsThatDoNotDependOnTheOthers) {
  testing::RunningInference running(options_);
  inference::v1::EmbedRequest request;
  for (int i = 0; i < 130; ++i) request.add_texts("text number " + std::to_string(i));
  inference::v1::EmbedResponse together;
  ASSERT_THAT(running.Call(&InferenceService::Stub::Embed, request, together), IsOk());
  ASSERT_EQ(together.embeddings_size(), 130);
  EXPECT_EQ(together.model(), "vectors");
  EXPECT_THAT(together.fingerprint(), Not(::testing::IsEmpty()));

  inference::v1::EmbedRequest one;
  one.add_texts(request.texts(129));
  inference::v1::EmbedResponse alone;
  ASSERT_THAT(running.Call(&InferenceService::Stub::Embed, one, alone), IsOk());
  double norm = 0.0;
  for (int i = 0; i < alone.embeddings(0).values_size(); ++i) {
    EXPECT_EQ(alone.embeddings(0).values(i), together.embeddings(129).values(i));
    norm += std::pow(alone.embeddings(0).values(i), 2);
  }
  EXPECT_NEAR(norm, 1.0, 1e-5);
}

TEST_F(TwoModelsTest, EmbedCutsOrRefusesLongTexts) {
  testing::RunningInference running(options_);
  inference::v1::EmbedRequest request;
  request.add_texts(std::string(100, 'x'));
  inference::v1::EmbedResponse response;
  ASSERT_THAT(running.Call(&InferenceService::Stub::Embed, request, response), IsOk());
  EXPECT_TRUE(response.embeddings(0).truncated());
  EXPECT_EQ(response.embeddings(0).num_tokens(), 32);
  request.set_refuse_long_texts(true);
  const Status status = running.Call(&InferenceService::Stub::Embed, request, response);
  EXPECT_EQ(ErrorReason(status), kContextLengthExceeded);
  EXPECT_EQ(ErrorMetadata(status, "tokens"), "102");
}

TEST_F(TwoModelsTest, ARerankingModelIsServedBesideThem) {
  testing::WriteRerankingModel(directory_.path() / "judge");
  options_.rerank_model = (directory_.path() / "judge").string();
  testing::RunningInference running(options_);
  inference::v1::RerankRequest request;
  request.set_query("who");
  for (int i = 0; i < 100; ++i)
    request.add_documents(std::string(static_cast<std::size_t>(i), 'x'));
  request.set_top_n(10);
  inference::v1::RerankResponse response;
  ASSERT_THAT(running.Call(&InferenceService::Stub::Rerank, request, response), IsOk());
  ASSERT_EQ(response.documents_size(), 10);
  EXPECT_EQ(response.model(), "judge");
  for (int i = 1; i < 10; ++i) {
    EXPECT_GE(response.documents(i - 1).score(), response.documents(i).score());
  }
  for (const auto& document : response.documents()) {
    EXPECT_EQ(document.truncated(), document.index() > 32 - 3 - 3);
  }
  EXPECT_THAT(running.inference().Description().back(), HasSubstr("reranking model"));
  inference::v1::GetServerInfoResponse info;
  ASSERT_THAT(running.Call(&InferenceService::Stub::GetServerInfo,
                           inference::v1::GetServerInfoRequest(), info),
              IsOk());
  EXPECT_GT(info.memory().reranking_weight_bytes(), 0);
}

TEST_F(TwoModelsTest, AServerWithoutARerankingModelSaysSo) {
  testing::RunningInference running(options_);
  inference::v1::RerankRequest request;
  request.set_query("who");
  request.add_documents("x");
  inference::v1::RerankResponse response;
  EXPECT_THAT(running.Call(&InferenceService::Stub::Rerank, request, response),
              FailsWith(absl::StatusCode::kFailedPrecondition, "--rerank-model"));
}

TEST_F(TwoModelsTest, OneNameForTwoModelsIsRefused) {
  options_.embedding_model_name = "writer";
  EXPECT_THAT(InferenceServer::Create(options_),
              FailsWith(absl::StatusCode::kInvalidArgument, "--embedding-model-name"));
}

TEST_F(TwoModelsTest, DamagedModelIsBlamedOnItsFiles) {
  std::filesystem::resize_file(directory_.path() / "writer" / "model.safetensors", 100);
  auto inference = InferenceServer::Create(options_);
  ASSERT_THAT(inference, IsOk());
  const Status status = (*inference)->Load();
  EXPECT_EQ(ErrorReason(status), kBadModelFile);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("model.safetensors"));
}

}  // namespace
}  // namespace quire::services
