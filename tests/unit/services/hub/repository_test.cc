#include "services/hub/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"

namespace quire::services::hub {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kListedCommit[] = "0123456789abcdef0123456789abcdef01234567";

std::string Listing(const std::vector<std::string>& files) {
  nlohmann::json siblings = nlohmann::json::array();
  for (const std::string& file : files) siblings.push_back({{"rfilename", file}});
  return nlohmann::json{{"sha", kListedCommit}, {"siblings", siblings}}.dump();
}

Repository With(const std::vector<std::string>& files) { return {kListedCommit, files}; }

TEST(RepositoryTest, ReadsCommitAndFiles) {
  const auto repository = ParseRepository(Listing({"config.json", "a/b.txt"}), "o/r");
  ASSERT_THAT(repository, IsOk());
  EXPECT_EQ(repository->commit, kListedCommit);
  EXPECT_THAT(repository->files, ElementsAre("config.json", "a/b.txt"));
}

TEST(RepositoryTest, NamesThatLeadElsewhereAreRefused) {
  for (const char* name : {"../x", "/etc/passwd", "a/../../x", "", "a//b", "a\\..\\b"}) {
    EXPECT_THAT(ParseRepository(Listing({"config.json", name}), "o/r"),
                FailsWith(StatusCode::kDataLoss, "inside the repository"))
        << name;
  }
}

TEST(RepositoryTest, WhatIsNoListingIsRefused) {
  for (const char* text : {"", "[]", "{}", "{\"sha\": 1}", R"({"sha": "main", "siblings": []})",
                           R"({"sha": "../../x", "siblings": []})"}) {
    EXPECT_THAT(ParseRepository(text, "o/r"), HasCode(StatusCode::kDataLoss)) << text;
  }
}

TEST(RepositoryTest, OnlyWhatTheEngineReadsIsTaken) {
  const Repository repository =
      With({"README.md", "config.json", "model.safetensors", "model.safetensors.index.json",
            "pytorch_model.bin", "tokenizer.json", "onnx/model.onnx", "evil.py"});
  EXPECT_THAT(DescriptionFiles(repository), ElementsAre("config.json", "tokenizer.json"));
  EXPECT_THAT(*WeightFiles(repository, {}, "", "o/r"), ElementsAre("model.safetensors"));
}

TEST(RepositoryTest, ShardsComeFromTheIndex) {
  const Repository repository = With({"a.safetensors", "b.safetensors", "c.safetensors"});
  const char* index = R"({"weight_map": {"x": "b.safetensors", "y": "a.safetensors",
                          "z": "b.safetensors"}})";
  EXPECT_THAT(*WeightFiles(repository, {}, index, "o/r"),
              ElementsAre("a.safetensors", "b.safetensors"));
  EXPECT_THAT(WeightFiles(repository, {}, R"({"weight_map": {"x": "../../e.safetensors"}})", "o/r"),
              HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(WeightFiles(repository, {}, R"({"weight_map": {}})", "o/r"),
              HasCode(StatusCode::kDataLoss));
}

TEST(RepositoryTest, ModulesNameTheirFolders) {
  const Repository repository =
      With({"modules.json", "1_Pooling/config.json", "0_Static/model.safetensors",
            "0_Static/tokenizer.json", "2_Normalize/README.md"});
  const auto files = ModuleFiles(
      repository,
      R"([{"path": "0_Static"}, {"path": "1_Pooling"}, {"path": ""}, {"path": "../x"}])");
  ASSERT_THAT(files, IsOk());
  EXPECT_THAT(*files, ElementsAre("0_Static/tokenizer.json", "0_Static/model.safetensors",
                                  "1_Pooling/config.json"));
  EXPECT_THAT(*WeightFiles(repository, *files, "", "o/r"), IsEmpty());
  EXPECT_THAT(ModuleFiles(repository, "{}"), HasCode(StatusCode::kDataLoss));
}

TEST(RepositoryTest, WhatThereIsInsteadOfWeightsIsSaid) {
  EXPECT_THAT(WeightFiles(With({"pytorch_model.bin"}), {}, "", "o/r"),
              FailsWith(StatusCode::kUnimplemented, "pickle"));
  EXPECT_THAT(WeightFiles(With({"m-q4.gguf", "m-q8.gguf"}), {}, "", "o/r"),
              FailsWith(StatusCode::kUnimplemented, "hf:o/r/m-q4.gguf"));
  EXPECT_THAT(WeightFiles(With({"README.md"}), {}, "", "o/r"),
              FailsWith(StatusCode::kUnimplemented, "have neither"));
}

}  // namespace
}  // namespace quire::services::hub
