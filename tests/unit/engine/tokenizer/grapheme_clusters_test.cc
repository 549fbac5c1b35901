#include "engine/tokenizer/grapheme_clusters.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

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

TEST(GraphemeClustersTest, NoTextHasNone) { EXPECT_THAT(Clusters(""), ElementsAre()); }

}  // namespace
}  // namespace quire::engine
