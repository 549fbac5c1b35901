#include "engine/tokenizer/grapheme_clusters.h"

#include <gmock/gmock.h>
#include <unicode/brkiter.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Clusters(std::string_view text) {
  std::vector<std::string> clusters;
  ForEachGraphemeCluster(text, [&](std::size_t begin, std::size_t end) {
    clusters.emplace_back(text.substr(begin, end - begin));
  });
  return clusters;
}

TEST(GraphemeClustersTest, MarksBelongToTheCharacterBefore) {
  EXPECT_THAT(Clusters("abe\u0301c"), ElementsAre("a", "b", "e\u0301", "c"));
  EXPECT_THAT(Clusters("x\u0301"), ElementsAre("x\u0301"));
  EXPECT_THAT(Clusters("\u0301x"), ElementsAre("\u0301", "x"));
}

TEST(GraphemeClustersTest, LineBreaksOfTwoCharactersAreOne) {
  EXPECT_THAT(Clusters("a\r\nb\r\n"), ElementsAre("a", "\r\n", "b", "\r\n"));
  EXPECT_THAT(Clusters("\r\né\r\ná\n\u0301"),
              ElementsAre("\r\n", "é", "\r\n", "á", "\n", "\u0301"));
  EXPECT_THAT(Clusters("日\r\nx"), ElementsAre("日", "\r\n", "x"));
}

TEST(GraphemeClustersTest, EmojiSequencesAreOne) {
  EXPECT_THAT(Clusters("x👩‍🔬👍🏽🇩🇪y"),
              ElementsAre("x", "👩‍🔬", "👍🏽", "🇩🇪", "y"));
  EXPECT_THAT(Clusters("ก\u0E33"), ElementsAre("ก\u0E33"));
}

// Most characters are told apart without ICU: that gives what ICU gives for the whole text.
TEST(GraphemeClustersTest, AreThoseOfTheRulesEverywhere) {
  std::mt19937 random(6);
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> rules(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  ASSERT_TRUE(U_SUCCESS(error));
  const std::vector<std::u32string> kinds = {U"abc",
                                             U"\r\n\t\u0085",
                                             U"\u0301\u200D\uFE0F",
                                             U"\u4E2D\uFFFD\u0416",
                                             U"\U0001F469\U0001F52C",
                                             U"\U0001F1E9\U0001F1EA",
                                             U"\u1100\u1161\u11A8\uAC00",
                                             U"\u0600\u0903\u0E33",
                                             U"\u2764\u00A9"};
  for (int round = 0; round < 500; ++round) {
    std::u32string characters;
    while (characters.size() < 60) {
      const std::u32string& kind = kinds[random() % kinds.size()];
      characters.append(random() % 25 == 0 ? 20 : 1, kind[random() % kind.size()]);
    }
    std::string text;
    for (const char32_t c : characters) AppendUtf8(c, text);
    icu::UnicodeString wide = icu::UnicodeString::fromUTF8(text);
    rules->setText(wide);
    std::vector<std::string> wanted;
    for (std::int32_t begin = rules->first(), end = rules->next(); end != icu::BreakIterator::DONE;
         begin = end, end = rules->next()) {
      wide.tempSubStringBetween(begin, end).toUTF8String(wanted.emplace_back());
    }
    ASSERT_EQ(Clusters(text), wanted) << text;
  }
}

TEST(GraphemeClustersTest, NoTextHasNone) { EXPECT_THAT(Clusters(""), ElementsAre()); }

}  // namespace
}  // namespace quire::engine
