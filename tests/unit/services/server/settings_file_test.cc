#include "services/server/settings_file.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using ::testing::ElementsAre;

TEST(SettingsFileTest, ReadsSectionsValuesAndLists) {
  const auto settings = ParseSettings("port: 5\nserve:\n  stop_words: [a, 'b c']\n", "x.yaml");
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_NE(settings->Find("port"), nullptr);
  EXPECT_THAT(settings->Find("port")->values, ElementsAre("5"));
  const Setting* section = settings->Find("serve");
  ASSERT_NE(section, nullptr);
  EXPECT_TRUE(section->is_section);
  ASSERT_NE(section->Find("stop-words"), nullptr);
  EXPECT_THAT(section->Find("stop-words")->values, ElementsAre("a", "b c"));
  EXPECT_EQ(section->Find("stop-words")->line, 3);
}

TEST(SettingsFileTest, EmptyTextHasNoEntries) {
  const auto settings = ParseSettings("# nothing yet\n", "x.yaml");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(settings->entries.empty());
}

TEST(SettingsFileTest, ErrorsNameFileAndLine) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ParseSettings("a: 1\nb: [1,\n", "x.yaml"), FailsWith(code, "x.yaml:"));
  EXPECT_THAT(ParseSettings("a: 1\nport:\n", "x.yaml"), FailsWith(code, "x.yaml:2: 'port'"));
  EXPECT_THAT(ParseSettings("- 1\n- 2\n", "x.yaml"), FailsWith(code, "key: value"));
  EXPECT_THAT(ParseSettings("a_b: 1\na-b: 2\n", "x.yaml"), FailsWith(code, "x.yaml:2"));
  EXPECT_THAT(ParseSettings("a: [[1]]\n", "x.yaml"), FailsWith(code, "plain values"));
}

TEST(SettingsFileTest, DeepNestingIsRefused) {
  std::string yaml;
  for (int depth = 0; depth < 20; ++depth) yaml += std::string(depth, ' ') + "a:\n";
  EXPECT_THAT(ParseSettings(yaml, "x.yaml"),
              FailsWith(absl::StatusCode::kInvalidArgument, "too deep"));
}

}  // namespace
}  // namespace quire::services
