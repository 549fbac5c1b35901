#include "engine/tokenizer/tokenizer_json.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/unit/engine/tokenizer/tokenizer_files.h"

namespace quire::engine {
namespace {

StatusOr<nlohmann::json> ReadText(const std::string& text) {
  const quire::testing::TemporaryDirectory directory;
  testing::WriteText(directory.path() / "x.json", text);
  return ReadJson((directory.path() / "x.json").string());
}

TEST(TokenizerJsonTest, DepthIsLimited) {
  EXPECT_THAT(ReadText(std::string(64, '[') + std::string(64, ']')), quire::testing::IsOk());
  EXPECT_THAT(
      ReadText(std::string(65, '[') + std::string(65, ']')),
      quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "nested deeper than 64"));
}

TEST(TokenizerJsonTest, TablesBypassTheTree) {
  const quire::testing::TemporaryDirectory directory;
  testing::WriteText(
      directory.path() / "x.json",
      R"({"a": {"vocab": {"x": 1}, "merges": []}, "model": {"merges": ["a b", ["c", "d"]],
                         "vocab": {"t": 3, "u": 4}, "type": "BPE"}, "vocab": {}})");
  const auto file = ReadTokenizerJson((directory.path() / "x.json").string());
  ASSERT_THAT(file, quire::testing::IsOk());
  EXPECT_THAT(file->vocab, ::testing::ElementsAre(std::pair("t", 3), std::pair("u", 4)));
  EXPECT_THAT(file->merges, ::testing::ElementsAre(std::pair("a", "b"), std::pair("c", "d")));
  EXPECT_EQ(file->root["a"]["vocab"]["x"], 1);
  EXPECT_EQ(file->root["model"]["type"], "BPE");
}

// "y" files must be accepted, "n" files refused, "i" files must not crash.
TEST(TokenizerJsonTest, AgreesWithTheJsonTestSuite) {
  const auto suite = quire::testing::SharedData("corpora/json_test_suite");
  QUIRE_SKIP_WITHOUT(suite);
  int accepted = 0;
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(suite)) {
    const std::string name = entry.path().filename();
    const bool ok = ReadJson(entry.path().string()).ok();
    if (name.starts_with("y_")) {
      EXPECT_TRUE(ok) << name;
      ++accepted;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(ok) << name;
      ++refused;
    }
  }
  EXPECT_EQ(accepted, 95);
  EXPECT_EQ(refused, 188);
}

}  // namespace
}  // namespace quire::engine
