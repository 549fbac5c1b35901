#include "engine/sampling/constraints/vocabulary_trie.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/support/listed_tokenizer.h"

namespace quire::engine::constraints {
namespace {

using quire::testing::ListedTokenizer;
using ::testing::UnorderedElementsAre;

// The tokens of each text, read off the tree by walking it as its user does.
std::map<std::string, std::set<TokenId>> TextsOf(const VocabularyTrie& trie) {
  std::map<std::string, std::set<TokenId>> texts;
  std::string path;
  const auto nodes = trie.nodes();
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    path.resize(nodes[i].depth - std::size_t{1});
    path += static_cast<char>(nodes[i].byte);
    for (std::uint32_t t = nodes[i].first_token; t < nodes[i + 1].first_token; ++t) {
      texts[path].insert(trie.token_ids()[t]);
    }
  }
  return texts;
}

TEST(VocabularyTrieTest, HoldsEveryTextWithItsTokens) {
  const ListedTokenizer tokenizer({"a", "ab", "abc", "b", "<s>", "ab", "", "\xC3\xA9", "ac"}, {4});
  const VocabularyTrie trie(tokenizer, 9, {});
  EXPECT_THAT(TextsOf(trie), UnorderedElementsAre(
                                 std::pair("a", std::set{0}), std::pair("ab", std::set{1, 5}),
                                 std::pair("abc", std::set{2}), std::pair("ac", std::set{8}),
                                 std::pair("b", std::set{3}), std::pair("\xC3\xA9", std::set{7})));
  EXPECT_EQ(trie.nodes().size(), 8u);  // a, ab, abc, ac, b, C3, C3 A9, and the end
  EXPECT_EQ(trie.max_depth(), 3u);
  EXPECT_EQ(trie.Bytes(2), "abc");
  EXPECT_EQ(trie.Bytes(4), "");
  EXPECT_TRUE(trie.single_bytes()['a'] && trie.single_bytes()['b']);
  EXPECT_EQ(trie.single_bytes().count(), 2u);
}

TEST(VocabularyTrieTest, LeavesOutEndTokensAndWhatTheModelLacks) {
  const ListedTokenizer tokenizer({"a", "b", "c"});
  const std::vector<TokenId> left_out = {1, 99, -1};
  const VocabularyTrie trie(tokenizer, 2, left_out);
  EXPECT_THAT(TextsOf(trie), UnorderedElementsAre(std::pair("a", std::set{0})));
  // Rows of the model without a token.
  EXPECT_EQ(VocabularyTrie(tokenizer, 10, {}).vocab_size(), 10);
  EXPECT_EQ(VocabularyTrie(tokenizer, 10, {}).Bytes(7), "");
}

TEST(VocabularyTrieTest, SubtreesEndWhereTheyShould) {
  std::mt19937 random(5);
  std::vector<std::string> tokens;
  for (int i = 0; i < 2'000; ++i) {
    std::string token;
    for (std::size_t size = 1 + random() % 6; size > 0; --size) {
      token += static_cast<char>('a' + random() % 4);
    }
    tokens.push_back(token);
  }
  const ListedTokenizer tokenizer(tokens);
  const VocabularyTrie trie(tokenizer, 2'000, {});
  const auto nodes = trie.nodes();
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    std::size_t end = i + 1;
    while (end + 1 < nodes.size() && nodes[end].depth > nodes[i].depth) ++end;
    ASSERT_EQ(nodes[i].next, end) << i;
  }
  std::map<std::string, std::set<TokenId>> expected;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    expected[tokens[i]].insert(static_cast<TokenId>(i));
  }
  EXPECT_EQ(TextsOf(trie), expected);
}

TEST(VocabularyTrieTest, EmptyVocabularyHasNoNodes) {
  const ListedTokenizer tokenizer({"<s>"}, {0});
  EXPECT_EQ(VocabularyTrie(tokenizer, 1, {}).nodes().size(), 1u);
}

}  // namespace
}  // namespace quire::engine::constraints
