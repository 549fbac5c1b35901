#include "services/retrieval/grpc_embedder.h"

#include <gmock/gmock.h>

#include <cmath>

#include "services/server/channel.h"
#include "tests/support/fake_inference_service.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::FakeInferenceService;
using quire::testing::HasCode;
using quire::testing::IsOk;
using InputType = retrieval::Embedder::InputType;

class GrpcEmbedderTest : public ::testing::Test {
 protected:
  std::vector<std::string_view> Repeated(std::size_t count, std::string_view text) const {
    return std::vector<std::string_view>(count, text);
  }

  FakeInferenceService service_;
  const quire::testing::LoopbackServer server_{service_};
  const std::unique_ptr<inference::v1::InferenceService::Stub> stub_ =
      inference::v1::InferenceService::NewStub(MakeChannel(server_.address()));
  grpc::ServerContext parent_;
  GrpcEmbedder embedder_{*stub_, parent_};
};

TEST_F(GrpcEmbedderTest, DescribesTheModelWithRoomForSpecialTokens) {
  for (const char* name : {"", "hash", "models/hash"}) {
    const auto model = embedder_.Describe(name);
    ASSERT_THAT(model, IsOk());
    EXPECT_EQ(model->name, "models/hash");
    EXPECT_EQ(model->fingerprint, "hash-1");
    EXPECT_EQ(model->dimension, 32);
    EXPECT_EQ(model->max_tokens, 510);
  }
  EXPECT_THAT(embedder_.Describe("other"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(GrpcEmbedderTest, EmbedsMoreTextsThanOneRequestHolds) {
  std::vector<std::string> texts;
  for (int i = 0; i < 150; ++i) texts.push_back("text number " + std::to_string(i));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto result = embedder_.Embed("models/hash", views, InputType::kPassage);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->fingerprint, "hash-1");
  ASSERT_EQ(result->vectors.size(), 150u * 32u);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto expected = quire::testing::HashVector(texts[i], 32);
    for (std::size_t d = 0; d < 32; ++d) {
      EXPECT_NEAR(result->vectors[i * 32 + d], expected[d], 1e-6);
    }
  }
}

TEST_F(GrpcEmbedderTest, CountsWithoutSpecialTokens) {
  const std::vector<std::string_view> texts = {"one two three", "", "four"};
  const auto counts = embedder_.CountTokens("models/hash", texts);
  ASSERT_THAT(counts, IsOk());
  EXPECT_THAT(*counts, ::testing::ElementsAre(3, 0, 1));
  const std::string long_text(700'000, 'x');  // two do not fit one request
  EXPECT_EQ(embedder_.CountTokens("models/hash", Repeated(5, long_text))->size(), 5u);
}

TEST_F(GrpcEmbedderTest, VectorsThatAreNoneAreRefused) {
  service_.gives_nan = true;
  EXPECT_THAT(embedder_.Embed("models/hash", Repeated(1, "text"), InputType::kQuery),
              FailsWith(absl::StatusCode::kInternal, "finite"));
}

TEST_F(GrpcEmbedderTest, ZeroIsTheVectorOfNoTokensAlone) {
  const std::vector<std::string_view> texts = {"one"};
  service_.gives_zero = true;
  EXPECT_THAT(embedder_.Embed("models/hash", texts, InputType::kPassage),
              HasCode(absl::StatusCode::kInternal));
  service_.knows_no_token = true;
  const auto result = embedder_.Embed("models/hash", texts, InputType::kPassage);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->vectors, std::vector<float>(32, 0.0f));
}

TEST_F(GrpcEmbedderTest, AServiceThatIsAwayIsUnavailable) {
  service_.unavailable = true;
  EXPECT_THAT(embedder_.Embed("models/hash", Repeated(1, "text"), InputType::kQuery),
              FailsWith(absl::StatusCode::kUnavailable, "inference service"));
  EXPECT_THAT(embedder_.CountTokens("models/hash", Repeated(1, "text")),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(embedder_.Describe(""), HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace quire::services
