#include "engine/model/sentence_transformers.h"

#include <gtest/gtest.h>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using kernels::PoolArgs;
using testing::FailsWith;
using testing::IsOk;

class SentenceTransformersTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& content) {
    testing::WriteFile(directory_.path() / name, content);
  }
  void WriteModules(const std::vector<std::string>& types) {
    nlohmann::json modules = nlohmann::json::array();
    for (const std::string& type : types) {
      modules.push_back({{"type", "sentence_transformers.models." + type},
                         {"path", type == "Transformer" ? "" : "1_" + type}});
    }
    Write("modules.json", modules.dump());
  }
  StatusOr<SentenceTransformersConfig> Load() {
    return LoadSentenceTransformersConfig(directory_.path());
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(SentenceTransformersTest, PlainDirectoryMeansMeanAndUnitLength) {
  const auto config = Load();
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->pooling.kind, PoolArgs::Kind::kMean);
  EXPECT_TRUE(config->pooling.normalize);
  EXPECT_EQ(config->max_tokens, 0);
}

TEST_F(SentenceTransformersTest, ModulesDecideAboutPoolingAndLength) {
  WriteModules({"Transformer", "Pooling"});
  Write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  Write("sentence_bert_config.json", R"({"max_seq_length": 128})");
  auto config = Load();
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->pooling.kind, PoolArgs::Kind::kFirst);
  EXPECT_FALSE(config->pooling.normalize);
  EXPECT_EQ(config->max_tokens, 128);
  WriteModules({"Transformer", "Pooling", "Normalize"});
  config = Load();
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->pooling.normalize);
}

TEST_F(SentenceTransformersTest, WhatWeDoNotHaveIsRefusedByName) {
  WriteModules({"Transformer", "Pooling"});
  Write("1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})");
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "pooling_mode_max_tokens"));
  Write("1_Pooling/config.json",
        R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})");
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "have 2"));
  WriteModules({"Transformer", "Dense"});
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "\"Dense\""));
}

TEST_F(SentenceTransformersTest, StaticEmbeddingMayLieInAFolderOfItsOwn) {
  Write("modules.json", R"([{"type": "a.StaticEmbedding", "path": "0_StaticEmbedding"}])");
  auto config = Load();
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->is_static);
  EXPECT_EQ(config->model_directory, (directory_.path() / "0_StaticEmbedding").string());
  EXPECT_FALSE(config->pooling.normalize);
  EXPECT_EQ(config->pooling.kind, PoolArgs::Kind::kMean);
  for (const std::string path : {"", "."}) {
    Write("modules.json", R"([{"type": "StaticEmbedding", "path": ")" + path +
                              R"("}, {"type": "b.Normalize", "path": "1_Normalize"}])");
    config = Load();
    ASSERT_THAT(config, IsOk());
    EXPECT_EQ(config->model_directory, directory_.path().string());
    EXPECT_TRUE(config->pooling.normalize);
  }
}

TEST_F(SentenceTransformersTest, StaticEmbeddingStandsAlone) {
  WriteModules({"StaticEmbedding", "Pooling"});
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "\"Pooling\""));
  WriteModules({"Transformer", "StaticEmbedding"});
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "\"StaticEmbedding\""));
  WriteModules({"StaticEmbedding", "Dense"});
  EXPECT_THAT(Load(), FailsWith(StatusCode::kUnimplemented, "\"Dense\""));
}

TEST_F(SentenceTransformersTest, ModulePathsCannotLeaveTheDirectory) {
  Write("modules.json", R"([{"type": "a.Pooling", "path": "../x"}])");
  EXPECT_THAT(Load(), FailsWith(StatusCode::kInvalidArgument, "path"));
  Write("modules.json", R"({"type": "a.Pooling"})");
  EXPECT_THAT(Load(), FailsWith(StatusCode::kInvalidArgument, "modules.json"));
}

}  // namespace
}  // namespace quire::engine
