#include "engine/sampling/constraints/regex.h"

#include <gtest/gtest.h>

#include "tests/support/byte_constraints.h"
#include "tests/support/status_matchers.h"

namespace quire::engine::constraints {
namespace {

using quire::testing::ByteConstraints;
using quire::testing::Examples;
using quire::testing::FailsWith;
using quire::testing::IsOk;
using quire::testing::kInvalid;

class RegexTest : public ::testing::TestWithParam<Examples> {};

TEST_P(RegexTest, MatchesWholeTexts) {
  ByteConstraints constraints;
  const auto constraint = constraints.Regex(GetParam().constraint);
  for (const std::string& text : GetParam().accepted) {
    EXPECT_TRUE(ByteConstraints::Accepts(constraint, text)) << text;
  }
  for (const std::string& text : GetParam().refused) {
    EXPECT_FALSE(ByteConstraints::Accepts(constraint, text)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Subset, RegexTest,
    ::testing::Values(
        Examples{"abc", {"abc"}, {"", "ab", "abcd", "xabc"}},
        Examples{"^abc$", {"abc"}, {"ab", "^abc$"}},
        Examples{"a|bc|", {"a", "bc", ""}, {"b", "abc"}}, Examples{"^a|b$", {"a", "b"}, {"ab"}},
        Examples{"(ab|c)*d", {"d", "abd", "ccabd"}, {"ad", "abc"}},
        Examples{"(?:x|y){2}", {"xy", "yy"}, {"x", "xyx"}},
        Examples{"a{2,}", {"aa", "aaaaa"}, {"a"}},
        Examples{"a{0,2}b?", {"", "a", "aab", "b"}, {"aaa", "bb"}},
        Examples{"a+?b*?", {"a", "aab"}, {"", "b"}},
        Examples{"a{x}|b{,2}", {"a{x}", "b{,2}"}, {"a", "bb"}},
        Examples{".", {"x", "\xC3\xA9", "\xF0\x9F\x98\x80"}, {"\n", "\xC3", "xx", "\xED\xA0\x80"}},
        Examples{"[a-c\\-]+", {"abc-"}, {"d"}}, Examples{"[a-c-]+", {"a-"}, {"d"}},
        Examples{"[-a]+", {"-a"}, {"b"}},
        Examples{"[^a-c]", {"d", "\xC3\xA9", "\n"}, {"a", "", "\xA9"}},
        Examples{"[\\]\\\\^]+", {"]\\^"}, {"a"}},
        Examples{"[\xC3\xA0-\xC3\xA9]", {"\xC3\xA0", "\xC3\xA5"}, {"\xC3\xAA", "a", "\xC3"}},
        Examples{"\\d\\D\\w\\W\\s\\S", {"1a_- x", "0\xC3\xA9Z.\tx"}, {"aa_- x", "1a_-xx"}},
        Examples{"\\n\\r\\t\\f\\x41\\u0042\\x{1F600}\\uD83D\\uDE00",
                 {"\n\r\t\f"
                  "AB\xF0\x9F\x98\x80\xF0\x9F\x98\x80"},
                 {""}},
        Examples{"\\.\\*\\(\\)\\/\\ ", {".*()/ "}, {"x*()/ "}}, Examples{"]}", {"]}"}, {"]"}},
        Examples{"((((a))))", {"a"}, {"(a)"}}, Examples{"(a*)*b", {"b", "aaab"}, {"a"}},
        Examples{"(|a)+", {"", "aa"}, {"b"}}, Examples{"(a?){3}", {"", "aaa"}, {"aaaa"}}));

struct BadRegex {
  std::string pattern;
  std::string error;
};

class BadRegexTest : public ::testing::TestWithParam<BadRegex> {};

TEST_P(BadRegexTest, IsRefusedNamingTheByte) {
  const auto parsed = ParseRegex(GetParam().pattern);
  EXPECT_THAT(parsed, FailsWith(kInvalid, GetParam().error + ":"));
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, BadRegexTest,
    ::testing::Values(
        BadRegex{"a(?=b)", "byte 1"}, BadRegex{"(?!b)", "byte 0"}, BadRegex{"(?<=b)", "byte 0"},
        BadRegex{"(?<n>b)", "byte 0"}, BadRegex{"(?i)a", "byte 0"}, BadRegex{"(a)\\1", "byte 3"},
        BadRegex{"\\bword", "byte 0"}, BadRegex{"x\\p{L}", "byte 1"}, BadRegex{"\\v", "byte 0"},
        BadRegex{"ab\\", "byte 2"}, BadRegex{"\\x4", "byte 0"}, BadRegex{"\\x{110000}", "byte 0"},
        BadRegex{"\\x{D800}", "byte 0"}, BadRegex{"\\uD800x", "byte 0"}, BadRegex{"\\01", "byte 0"},
        BadRegex{"(a", "byte 0"}, BadRegex{"a)b", "byte 1"}, BadRegex{"[a", "byte 0"},
        BadRegex{"x[]a]", "byte 1"}, BadRegex{"[^]", "byte 0"}, BadRegex{"[b-a]", "byte 1"},
        BadRegex{"[\\d-z]", "byte 1"}, BadRegex{"[[:alpha:]]", "byte 1"}, BadRegex{"*a", "byte 0"},
        BadRegex{"a|+", "byte 2"}, BadRegex{"a**", "byte 2"}, BadRegex{"a*+", "byte 2"},
        BadRegex{"a{3,2}", "byte 1"}, BadRegex{"a{10001}", "byte 1"}, BadRegex{"{2}", "byte 0"},
        BadRegex{"a^b", "byte 1"}, BadRegex{"a$b", "byte 2"}, BadRegex{"(a$)", "byte 2"},
        BadRegex{"^*", "byte 1"}, BadRegex{"a{99999999999999999999}", "byte 1"},
        BadRegex{std::string(200, '('), "byte 100"},
        BadRegex{std::string(kMaxRegexBytes + 1, 'a'), "byte 8192"}));

TEST(RegexParserTest, LimitsThemselvesAreAccepted) {
  EXPECT_THAT(ParseRegex(std::string(100, '(') + "a" + std::string(100, ')')), IsOk());
  EXPECT_THAT(ParseRegex(std::string(kMaxRegexBytes, 'a')), IsOk());
  EXPECT_THAT(ParseRegex("a{10000}"), IsOk());
}

TEST(RegexParserTest, AnchorsBelongToTheirBranch) {
  const auto branches = ParseRegex("^a|b$|c");
  ASSERT_THAT(branches, IsOk());
  ASSERT_EQ(branches->size(), 3u);
  EXPECT_TRUE((*branches)[0].has_begin_anchor);
  EXPECT_FALSE((*branches)[0].has_end_anchor);
  EXPECT_FALSE((*branches)[1].has_begin_anchor);
  EXPECT_TRUE((*branches)[1].has_end_anchor);
  EXPECT_FALSE((*branches)[2].has_begin_anchor || (*branches)[2].has_end_anchor);
}

}  // namespace
}  // namespace quire::engine::constraints
