#include "engine/tokenizer/regex_dialect.h"

#include <gtest/gtest.h>

#include "engine/tokenizer/regex_pattern.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;

bool Matches(std::string_view regex, std::string_view text) {
  std::vector<Match> matches;
  (*NewRegexPattern(regex, "test"))->FindMatches(text, matches);
  return matches.size() == 1 && matches[0].begin == 0 && matches[0].end == text.size();
}

// Recorded from the Hugging Face tokenizers, whose expressions are Oniguruma's.
TEST(RegexDialectTest, ClassesHaveTheMembersOfOniguruma) {
  EXPECT_FALSE(Matches(R"(\s)", "\u180E"));
  EXPECT_TRUE(Matches(R"(\S)", "\u180E"));
  EXPECT_TRUE(Matches(R"(\s)", "\u3000"));
  EXPECT_TRUE(Matches(R"([^\S])", "\u0085"));
  for (const char* word : {"\u0301", "\u203F", "\u00B2", "\u0663", "_", "\u24B6", "\u2160", "x"}) {
    EXPECT_TRUE(Matches(R"(\w)", word)) << word;
  }
  EXPECT_FALSE(Matches(R"([\w])", "\u00B2"));
  EXPECT_FALSE(Matches(R"(\w)", "\u200D"));
  EXPECT_TRUE(Matches(R"(\h+)", "09afAF"));
  EXPECT_FALSE(Matches(R"(\h)", "g"));
  EXPECT_TRUE(Matches(R"(\p{Han})", "\u4E2D"));
  EXPECT_FALSE(Matches(R"(\p{Han})", "\u3006"));
  EXPECT_TRUE(Matches(R"(\p{^Han})", "x"));
}

TEST(RegexDialectTest, AnchorsAreAboutLines) {
  std::vector<Match> matches;
  (*NewRegexPattern("^a$", "test"))->FindMatches("a\na", matches);
  EXPECT_EQ(matches.size(), 2u);
}

TEST(RegexDialectTest, UnionsOfSetsAreFlattened) {
  EXPECT_EQ(*TranslateRegex("[^(a|[.,!])]x[]b[c]]", "test"), "[^(a|.,!)]x[]bc]");
  EXPECT_EQ(*TranslateRegex(R"([\[\]]\[a)", "test"), R"([\[\]]\[a)");
  EXPECT_EQ(*TranslateRegex("[[:alpha:]-]", "test"), "[[:alpha:]-]");
}

TEST(RegexDialectTest, OtherSetsInSetsAreRefused) {
  using quire::testing::kInvalid;
  EXPECT_THAT(TranslateRegex("[a&&[b]]", "test"), FailsWith(kInvalid, "test: wanted unions"));
  EXPECT_THAT(TranslateRegex("[a[^b]]", "test"), FailsWith(kInvalid, "at byte 2"));
  EXPECT_THAT(TranslateRegex("[[:alpha]", "test"), FailsWith(kInvalid, "wanted \":]\""));
}

TEST(RegexDialectTest, TheRestStaysAsItIs) {
  for (const char* regex :
       {"", "\\", "a\\", R"(\p)", R"(\p{)", R"(\pL\p{L}\P{Lu}\\s)", "[", "[]", "[^]"}) {
    EXPECT_EQ(*TranslateRegex(regex, "test"), regex);
  }
}

}  // namespace
}  // namespace quire::engine
