#include "engine/tokenizer/split_pattern.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/utf8.h"
#include "engine/tokenizer/regex_pattern.h"
#include "engine/tokenizer/split_scanners.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

// Characters that the expressions tell apart.
constexpr char32_t kAlphabet[] = {'a',    'S',  'l',    'L',    'e',    'r',  'v',     'm',
                                  't',    'd',  '1',    '2',    '\'',   '.',  '!',     ' ',
                                  ' ',    '\n', '\r',   '\t',   0x0B,   0x85, 0xA0,    0x2028,
                                  0x3000, 0xE9, 0x17F,  0x4E2D, 0x0301, 0xBD, 0x1F642, 0x200B,
                                  0x661,  'A',  0x01C5, 0x02B0, '/',    '$',  0xAB,    0x180E};

std::vector<std::string> Strings(const SplitPattern& pattern, std::string_view text) {
  std::vector<Match> matches;
  pattern.FindMatches(text, matches);
  std::vector<std::string> strings;
  for (const Match& match : matches) {
    strings.emplace_back(text.substr(match.begin, match.end - match.begin));
  }
  return strings;
}

class ScannerTest : public ::testing::TestWithParam<std::string_view> {};

TEST_P(ScannerTest, FindsWhatTheRegularExpressionFinds) {
  const auto scanner = FindSplitScanner(GetParam());
  ASSERT_NE(scanner, nullptr);
  const auto regex = *NewRegexPattern(GetParam(), "test");
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 12; i > 0; --i) {
      AppendUtf8(kAlphabet[random() % std::size(kAlphabet)], text);
    }
    ASSERT_EQ(Strings(*scanner, text), Strings(*regex, text)) << ::testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ScannerTest, ::testing::ValuesIn(ScannedRegexes()));
INSTANTIATE_TEST_SUITE_P(Sets, ScannerTest,
                         ::testing::Values("[\r\n]", R"([\r\n]+)", R"([\r\n])", "[0-9][0-9][0-9]",
                                           "[12][12]", "[\u4E00-\u9FA5\u3040-\u30FF]+",
                                           R"(\s?[!-/:-~\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
                                           R"(\s?[\x{1F642}a\-\]]+)"));

// DeepSeek's own file has the line breaks themselves in its expression.
TEST(ScannersTest, LineBreaksMayStandForTheirEscapes) {
  for (const std::string_view regex : ScannedRegexes()) {
    std::string raw(regex);
    for (const auto& [escape, line_break] : {std::pair(R"(\r)", "\r"), std::pair(R"(\n)", "\n")}) {
      for (std::size_t at = raw.find(escape); at != raw.npos; at = raw.find(escape)) {
        raw.replace(at, 2, line_break);
      }
    }
    EXPECT_NE(FindSplitScanner(raw), nullptr) << regex;
  }
}

TEST(ScannersTest, OtherExpressionsHaveNoScanner) {
  for (const std::string_view regex : {R"(\p{L}+)", "[^a]+", "[a[b]]+", "[a&&b]", "[a]+b",
                                       R"([\p{L}]+)", "[a", "[b-a]", "[a][b]", "[]a]", "[a-]"}) {
    EXPECT_EQ(FindSplitScanner(regex), nullptr) << regex;
  }
}

TEST(RegexPatternTest, InvalidExpressionsAreRefusedWithTheirPlace) {
  EXPECT_THAT(
      NewRegexPattern("a(", "pre_tokenizer.pattern"),
      quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "pre_tokenizer.pattern"));
  EXPECT_THAT(NewRegexPattern(std::string(20'000, 'a'), "x"),
              quire::testing::HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(RegexPatternTest, EmptyMatchesAreNoMatches) {
  const auto pattern = *NewRegexPattern("x*", "test");
  EXPECT_THAT(Strings(*pattern, "axxé"), ::testing::ElementsAre("xx"));
}

// Exponential backtracking hits the limit, and the rest of the text becomes one match.
TEST(RegexPatternTest, BacktrackingIsLimited) {
  const auto pattern = *NewRegexPattern("(a+)+$", "test");
  const std::string text = std::string(5'000, 'a') + "b";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Strings(*pattern, text), ::testing::ElementsAre(text));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

// A word as long as the text is one match, however the expression comes to it.
TEST(RegexPatternTest, LongMatchesStayWithinTheLimits) {
  const std::string upper(1'000'000, 'A');
  for (const char* regex :
       {R"(\p{Lu}*\p{Ll}+|\p{Lu}+)", R"((?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+)", R"(\s*[\r\n]+|\w+)"}) {
    const auto pattern = *NewRegexPattern(regex, "test");
    const auto pieces = Strings(*pattern, upper + "!");
    EXPECT_TRUE(std::ranges::find(pieces, upper) != pieces.end()) << regex;
  }
}

}  // namespace
}  // namespace quire::engine
