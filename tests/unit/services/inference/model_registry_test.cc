#include "services/inference/model_registry.h"

#include <gtest/gtest.h>

#include "services/inference/model_name.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/inference/fakes.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;

TEST(ModelRegistryTest, FindsModelsByNameResourceNameAndDefault) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script);
  for (const char* name : {"", "default", "models/default", "writer", "models/writer"}) {
    const auto found = models.FindLanguageModel(name);
    ASSERT_TRUE(found.ok()) << name << ": " << found.status();
    EXPECT_EQ((*found)->name, "writer");
  }
  for (const char* name : {"", "default-embedding", "vectors", "models/vectors"}) {
    const auto found = models.FindEmbeddingModel(name);
    ASSERT_TRUE(found.ok()) << name << ": " << found.status();
    EXPECT_EQ((*found)->name, "vectors");
  }
}

TEST(ModelRegistryTest, TheRerankingModelHasNamesToo) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script);
  for (const char* name : {"", "default-reranking", "judge", "models/judge"}) {
    const auto found = models.FindRerankingModel(name);
    ASSERT_TRUE(found.ok()) << name << ": " << found.status();
    EXPECT_EQ((*found)->name, "judge");
  }
  EXPECT_EQ(*models.FindTokenizer("judge"), &models.reranking()->reranker->tokenizer());
  EXPECT_THAT(models.FindEmbeddingModel("judge"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "only reranks"));
  EXPECT_THAT(models.FindRerankingModel("other"), HasCode(absl::StatusCode::kNotFound));
}

TEST(ModelRegistryTest, UnknownNamesAreNotFound) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script);
  EXPECT_THAT(models.FindLanguageModel("other"), FailsWith(absl::StatusCode::kNotFound, "other"));
  EXPECT_THAT(models.FindEmbeddingModel("other"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(models.FindTokenizer("other"), HasCode(absl::StatusCode::kNotFound));
}

TEST(ModelRegistryTest, ModelOfTheOtherKindIsAFailedPrecondition) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script);
  EXPECT_THAT(models.FindLanguageModel("vectors"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "only embeds"));
  EXPECT_THAT(models.FindEmbeddingModel("writer"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "only generates"));
}

TEST(ModelRegistryTest, AbsentKindSaysHowToServeIt) {
  testing::EngineScript script;
  EXPECT_THAT(testing::MakeLanguageRegistry(script).FindEmbeddingModel(""),
              FailsWith(absl::StatusCode::kFailedPrecondition, "--embedding-model PATH"));
  EXPECT_THAT(testing::MakeEmbeddingRegistry().FindLanguageModel("default"),
              FailsWith(absl::StatusCode::kFailedPrecondition, "--model PATH"));
}

TEST(ModelRegistryTest, TokenizersOfBothKindsAreFound) {
  testing::EngineScript script;
  const ModelRegistry models = testing::MakeRegistry(script);
  const auto language = models.FindTokenizer("");
  const auto embedding = models.FindTokenizer("vectors");
  ASSERT_TRUE(language.ok() && embedding.ok());
  EXPECT_NE(*language, *embedding);
  EXPECT_EQ(*models.FindTokenizer("models/default-embedding"), *embedding);
}

TEST(ModelNameTest, LastPartOfThePathIsTheName) {
  EXPECT_EQ(*ModelName("", "/models/llama-1b"), "llama-1b");
  EXPECT_EQ(*ModelName("", "models/llama-1b/"), "llama-1b");
  EXPECT_EQ(*ModelName("", "models/x/../qwen-q4.gguf"), "qwen-q4");
  EXPECT_EQ(*ModelName("", "my model"), "my-model");
  EXPECT_EQ(*ModelName("", "models/default"), "model-default");
  EXPECT_EQ(*ModelName("given", "models/llama-1b"), "given");
}

TEST(ModelNameTest, GivenNamesAreChecked) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ModelName("a/b", "x"), HasCode(code));
  EXPECT_THAT(ModelName("default", "x"), HasCode(code));
  EXPECT_THAT(ModelName("default-embedding", "x"), HasCode(code));
  EXPECT_THAT(ModelName("default-reranking", "x"), HasCode(code));
  EXPECT_THAT(ModelName(std::string(129, 'a'), "x"), HasCode(code));
}

}  // namespace
}  // namespace quire::services
