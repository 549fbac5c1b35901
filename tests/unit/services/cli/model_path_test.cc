#include "services/cli/model_path.h"

#include <filesystem>
#include <fstream>

#include "services/cli/collection_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::cli {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::TemporaryDirectory;

class ModelPathTest : public ::testing::Test {
 protected:
  ModelPathTest() {
    options_.data_dir = (folder_.path() / "data").string();
    options_.model_dir = (folder_.path() / "bundle").string();
    std::filesystem::create_directories(options_.data_dir);
  }

  std::string AddModel(const std::filesystem::path& relative) {
    const auto path = folder_.path() / relative;
    std::filesystem::create_directories(path);
    std::ofstream(path / "config.json") << "{}";
    return path.string();
  }

  std::string AddFile(const std::filesystem::path& relative) {
    const auto path = folder_.path() / relative;
    std::ofstream(path) << "x";
    return path.string();
  }

  TemporaryDirectory folder_;
  GlobalOptions options_;
};

TEST_F(ModelPathTest, AnExistingDirectoryIsTaken) {
  const std::string path = AddModel("elsewhere/llama");
  EXPECT_EQ(*ResolveModel(path, ModelKind::kLanguage, options_), path);
}

TEST_F(ModelPathTest, AnExistingGgufFileIsTaken) {
  const std::string path = AddFile("llama.gguf");
  EXPECT_EQ(*ResolveModel(path, ModelKind::kLanguage, options_), path);
  EXPECT_EQ(*ResolveModel(path, ModelKind::kEmbedding, options_), path);
}

TEST_F(ModelPathTest, AFolderMeansTheOnlyGgufFileInIt) {
  std::filesystem::create_directories(folder_.path() / "bundle/embedding");
  const std::string file = AddFile("bundle/embedding/tiny.gguf");
  AddFile("bundle/embedding/README.md");
  const std::string folder = (folder_.path() / "bundle/embedding").string();
  EXPECT_EQ(*ResolveModel("", ModelKind::kEmbedding, options_), file);
  EXPECT_EQ(*ResolveModel("embedding", ModelKind::kEmbedding, options_), file);
  EXPECT_EQ(*ResolveModel(folder, ModelKind::kEmbedding, options_), file);
  AddFile("bundle/embedding/another.gguf");
  EXPECT_FALSE(ResolveModel("", ModelKind::kEmbedding, options_).ok());
  EXPECT_EQ(*ResolveModel(folder, ModelKind::kEmbedding, options_), folder);
}

TEST_F(ModelPathTest, ANameIsSoughtInTheDataDirectoryBeforeTheBundle) {
  const std::string bundled = AddModel("bundle/llama");
  EXPECT_EQ(*ResolveModel("llama", ModelKind::kLanguage, options_), bundled);
  const std::string local = AddModel("data/models/llama");
  EXPECT_EQ(*ResolveModel("llama", ModelKind::kLanguage, options_), local);
}

TEST_F(ModelPathTest, WithoutANameTheBundledModelOfTheKindIsTaken) {
  const std::string model = AddModel("bundle/model");
  const std::string embedding = AddModel("bundle/embedding");
  EXPECT_EQ(*ResolveModel("", ModelKind::kLanguage, options_), model);
  EXPECT_EQ(*ResolveModel("", ModelKind::kEmbedding, options_), embedding);
}

TEST_F(ModelPathTest, SaysWhatToDoWhereNothingIsBundled) {
  EXPECT_THAT(ResolveModel("", ModelKind::kLanguage, options_),
              FailsWith(absl::StatusCode::kInvalidArgument, "give --model"));
  EXPECT_THAT(ResolveModel("", ModelKind::kEmbedding, options_),
              FailsWith(absl::StatusCode::kInvalidArgument, "give --embedding-model"));
}

TEST_F(ModelPathTest, RefusesWhatIsNotSupported) {
  EXPECT_THAT(ResolveModel("hf:", ModelKind::kLanguage, options_),
              FailsWith(absl::StatusCode::kInvalidArgument, "hf:ORG/REPO"));
  const std::string text = AddFile("model.txt");
  EXPECT_THAT(ResolveModel(text, ModelKind::kLanguage, options_),
              FailsWith(absl::StatusCode::kInvalidArgument, "wanted a directory or a .gguf file"));
  EXPECT_THAT(ResolveModel("no-such-file.gguf", ModelKind::kLanguage, options_),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(ResolveModel("no-such-model", ModelKind::kLanguage, options_),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(ModelNameTest, IsTheLastPartOfThePath) {
  EXPECT_EQ(ModelName("/models/llama"), "llama");
  EXPECT_EQ(ModelName("/models/llama/"), "llama");
  EXPECT_EQ(ModelName("/models/./llama/."), "llama");
  EXPECT_EQ(ModelName("/models/llama-1b.Q4_0.gguf"), "llama-1b.Q4_0");
}

TEST(ModelFileErrorTest, WhatAModelLacksIsABadFile) {
  EXPECT_EQ(ExitCodeFor(ModelFileError(NotFound("model.safetensors: absent"))), kExitBadFile);
  EXPECT_TRUE(ModelFileError(OkStatus()).ok());
}

TEST_F(ModelPathTest, ACollectionsModelIsRememberedUntilForgotten) {
  ModelOptions models;
  models.embedding_model = AddModel("elsewhere/minilm");
  ASSERT_TRUE(RememberCollectionModel(options_, "cran", models, "minilm").ok());

  const ModelOptions found = WithCollectionModel({}, "collections/cran", options_);
  EXPECT_EQ(found.embedding_model, models.embedding_model);
  EXPECT_EQ(found.embedding_model_name, "minilm");

  ASSERT_TRUE(ForgetCollectionModel(options_, "cran").ok());
  EXPECT_EQ(WithCollectionModel({}, "cran", options_).embedding_model, "");
}

TEST_F(ModelPathTest, AGivenModelKeepsItsPathButTakesTheCollectionsName) {
  ModelOptions models;
  models.embedding_model = AddModel("elsewhere/minilm");
  ASSERT_TRUE(RememberCollectionModel(options_, "cran", models, "minilm").ok());
  ModelOptions given;
  given.embedding_model = "/another/copy";
  const ModelOptions found = WithCollectionModel(given, "cran", options_);
  EXPECT_EQ(found.embedding_model, "/another/copy");
  EXPECT_EQ(found.embedding_model_name, "minilm");
}

}  // namespace
}  // namespace quire::services::cli
