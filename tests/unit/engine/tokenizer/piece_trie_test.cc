#include "engine/tokenizer/piece_trie.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <string>

namespace quire::engine {
namespace {

using ::testing::ElementsAre;
using Entries = std::vector<std::pair<std::string_view, std::int32_t>>;
using Found = std::vector<std::pair<std::int32_t, std::size_t>>;

Found FindAt(const PieceTrie& trie, std::string_view text, std::size_t at) {
  Found found;
  trie.ForEachAt(
      text, at, [&](std::int32_t value, std::size_t length) { found.emplace_back(value, length); });
  return found;
}

TEST(PieceTrieTest, FindsAllPiecesAtAPlaceTheShortestFirst) {
  const PieceTrie trie(Entries{{"a", 1}, {"abc", 2}, {"b", 3}, {"abcdef", 4}, {"", 5}});
  EXPECT_THAT(FindAt(trie, "xabcde", 1), ElementsAre(std::pair(1, 1), std::pair(2, 3)));
  EXPECT_TRUE(FindAt(trie, "xabcde", 0).empty());
  EXPECT_TRUE(FindAt(trie, "a", 1).empty());
}

TEST(PieceTrieTest, TheLastOfEqualTextsCounts) {
  EXPECT_THAT(FindAt(PieceTrie(Entries{{"a", 1}, {"a", 2}}), "a", 0), ElementsAre(std::pair(2, 1)));
}

TEST(PieceTrieTest, AnEmptyTrieFindsNothing) {
  EXPECT_TRUE(FindAt(PieceTrie(), "a", 0).empty());
  EXPECT_TRUE(FindAt(PieceTrie(Entries()), "a", 0).empty());
}

TEST(PieceTrieTest, ALongPieceNeedsNoStack) {
  const std::string text(3'000'000, 'a');
  EXPECT_THAT(FindAt(PieceTrie(Entries{{text, 7}}), text, 0),
              ElementsAre(std::pair(7, text.size())));
}

// Random texts of few and of all bytes, against a map.
TEST(PieceTrieTest, AgreesWithAMap) {
  for (const int alphabet : {2, 5, 256}) {
    SCOPED_TRACE(alphabet);
    std::mt19937 random(static_cast<std::uint32_t>(alphabet));
    const auto text_of = [&](int max_length) {
      std::string text(std::uniform_int_distribution<std::size_t>(0, max_length)(random), '\0');
      for (char& c : text) {
        c = static_cast<char>(std::uniform_int_distribution<int>(0, alphabet - 1)(random));
      }
      return text;
    };
    std::map<std::string, std::int32_t, std::less<>> pieces;
    for (std::int32_t i = 0; i < 5000; ++i) pieces[text_of(9)] = i;
    pieces.erase("");
    const PieceTrie trie(Entries(pieces.begin(), pieces.end()));
    for (int i = 0; i < 2000; ++i) {
      const std::string text = text_of(12);
      Found expected;
      for (std::size_t length = 1; length <= text.size(); ++length) {
        const auto found = pieces.find(std::string_view(text).substr(0, length));
        if (found != pieces.end()) expected.emplace_back(found->second, length);
      }
      ASSERT_EQ(FindAt(trie, text, 0), expected);
    }
  }
}

}  // namespace
}  // namespace quire::engine
