#include "services/orchestrator/prompts/prompt_library.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;

TEST(PromptLibraryTest, ReadsSections) {
  const auto library = PromptLibrary::Parse("# comment\n\n== one\n a\n\nb \n\n== two\nc");
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->sections().size(), 2u);
  EXPECT_EQ(library->Render("one", {}), "a\n\nb");
  EXPECT_EQ(library->Render("two", {}), "c");
}

TEST(PromptLibraryTest, RefusesTextOutsideOfSections) {
  EXPECT_THAT(PromptLibrary::Parse("# comment\nstray\n== one\n"),
              FailsWith(absl::StatusCode::kInvalidArgument, "line 2"));
}

TEST(PromptLibraryTest, RefusesASectionTwice) {
  EXPECT_THAT(PromptLibrary::Parse("== one\na\n== one\nb\n"),
              FailsWith(absl::StatusCode::kInvalidArgument, "line 3"));
}

TEST(PromptLibraryTest, ReplacesKeysOnce) {
  const auto library = PromptLibrary::Parse("== one\n{a} {b} {c} {\n");
  ASSERT_TRUE(library.ok()) << library.status();
  EXPECT_EQ(library->Render("one", {{"a", "{b}"}, {"b", "x"}}), "{b} x {c} {");
}

TEST(PromptLibraryTest, EmbeddedFileHasEverySection) {
  const auto& sections = PromptLibrary::Embedded().sections();
  for (const char* name : {"no_answer", "passage", "note", "focus"}) {
    EXPECT_TRUE(sections.contains(name)) << name;
  }
  for (const std::string step : {"answer", "map_question", "reduce_question", "refine_question",
                                 "summarize", "merge_summaries", "refine_summary"}) {
    EXPECT_TRUE(sections.contains(step + ".system")) << step;
    EXPECT_TRUE(sections.contains(step + ".user")) << step;
  }
  EXPECT_EQ(sections.size(), 18u);
}

}  // namespace
}  // namespace quire::services
