#include "engine/tokenizer/bpe_model.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;

// A model over "a", "b", "c", their merges, and a few special pieces.
class BpeModelTest : public ::testing::Test {
 protected:
  using Merges = std::vector<std::pair<std::string, std::string>>;

  void Build(std::vector<std::string> pieces, Merges merges, BpeModel::Options options) {
    std::vector<std::pair<std::string, TokenId>> tokens;
    for (std::string& piece : pieces) {
      const auto id = static_cast<TokenId>(tokens.size());
      tokens.emplace_back(std::move(piece), id);
    }
    vocabulary_ = *Vocabulary::Create(tokens, "test");
    model_ = *BpeModel::Create(*vocabulary_, merges, options, "test");
  }

  std::vector<std::string> Pieces(std::string_view text) const {
    std::vector<SubwordToken> tokens;
    model_->Tokenize(text, tokens);
    std::vector<std::string> pieces;
    for (const SubwordToken& token : tokens) pieces.emplace_back(vocabulary_->Text(token.id));
    return pieces;
  }

  std::unique_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<BpeModel> model_;
};

TEST_F(BpeModelTest, LowestRankMergesFirstLeftmostOnTies) {
  Build({"a", "b", "ab", "aa", "bb"}, {{"a", "a"}, {"a", "b"}, {"b", "b"}}, {});
  EXPECT_THAT(Pieces("aab"), ElementsAre("aa", "b"));
  EXPECT_THAT(Pieces("aaa"), ElementsAre("aa", "a"));
  EXPECT_THAT(Pieces("abb"), ElementsAre("ab", "b"));
}

TEST_F(BpeModelTest, UnknownCharactersAreDroppedWithoutUnknownToken) {
  Build({"a"}, {}, {});
  EXPECT_THAT(Pieces("axa"), ElementsAre("a", "a"));
}

TEST_F(BpeModelTest, UnknownCharactersFuseOnRequest) {
  Build({"?", "a"}, {}, {.unknown_token = "?"});
  EXPECT_THAT(Pieces("axya"), ElementsAre("a", "?", "?", "a"));
  Build({"?", "a"}, {}, {.fuse_unknown = true, .unknown_token = "?"});
  EXPECT_THAT(Pieces("axya"), ElementsAre("a", "?", "a"));
}

TEST_F(BpeModelTest, ByteFallbackNeedsAllBytesOfTheCharacter) {
  Build({"?", "a", "<0xC3>", "<0xA9>"}, {}, {.byte_fallback = true, .unknown_token = "?"});
  EXPECT_THAT(Pieces("a\u00e9"), ElementsAre("a", "<0xC3>", "<0xA9>"));
  EXPECT_THAT(Pieces("\u00e8"), ElementsAre("?"));
}

TEST_F(BpeModelTest, IgnoreMergesTakesWholePieces) {
  Build({"a", "b", "ab", "aba"}, {{"a", "b"}}, {});
  EXPECT_THAT(Pieces("aba"), ElementsAre("ab", "a"));
  Build({"a", "b", "ab", "aba"}, {{"a", "b"}}, {.ignore_merges = true});
  EXPECT_THAT(Pieces("aba"), ElementsAre("aba"));
}

TEST_F(BpeModelTest, SuffixMarksTheEndOfAWord) {
  Build({"a", "a</w>", "aa</w>"}, {{"a", "a</w>"}}, {.end_of_word_suffix = "</w>"});
  EXPECT_THAT(Pieces("aaa"), ElementsAre("a", "aa</w>"));
}

TEST_F(BpeModelTest, PrefixMarksTheInsideOfAWord) {
  Build({"a", "##b", "ab"}, {{"a", "##b"}}, {.continuing_subword_prefix = "##"});
  EXPECT_THAT(Pieces("ab"), ElementsAre("ab"));
}

TEST_F(BpeModelTest, MergesOfUnknownPiecesAreRefused) {
  const auto vocabulary = *Vocabulary::Create({{"a", 0}}, "test");
  EXPECT_THAT(BpeModel::Create(*vocabulary, {{"a", "b"}}, {}, "test"),
              quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "test.merges[0]"));
}

// The definition of BPE, without any cleverness.
std::vector<TokenId> MergeByDefinition(
    std::vector<TokenId> ids,
    const std::map<std::pair<TokenId, TokenId>, std::pair<std::size_t, TokenId>>& merges) {
  while (true) {
    std::size_t best_rank = SIZE_MAX;
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = merges.find({ids[i], ids[i + 1]});
      if (found == merges.end() || found->second.first >= best_rank) continue;
      best_rank = found->second.first;
      best = i;
    }
    if (best_rank == SIZE_MAX) return ids;
    ids[best] = merges.at({ids[best], ids[best + 1]}).second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

// Random vocabularies and texts, short ones (merged as words) and long ones (merged as runs).
TEST_F(BpeModelTest, AgreesWithTheDefinition) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> pieces = {"a", "b", "c", "▁"};
    Merges merges;
    std::map<std::pair<TokenId, TokenId>, std::pair<std::size_t, TokenId>> table;
    for (int i = 0; i < 25; ++i) {
      const std::size_t left = random() % pieces.size();
      const std::size_t right = random() % pieces.size();
      const std::string merged = pieces[left] + pieces[right];
      auto found = std::find(pieces.begin(), pieces.end(), merged);
      const auto id = static_cast<TokenId>(found - pieces.begin());
      const auto key = std::pair(static_cast<TokenId>(left), static_cast<TokenId>(right));
      if (table.contains(key)) continue;
      merges.emplace_back(pieces[left], pieces[right]);
      table[key] = {merges.size() - 1, id};
      if (found == pieces.end()) pieces.push_back(merged);
    }
    // A random order of ranks, so that new pairs may outrank old ones.
    std::shuffle(merges.begin(), merges.end(), random);
    Build(pieces, merges, {});
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      table.at({*vocabulary_->Find(merges[rank].first), *vocabulary_->Find(merges[rank].second)})
          .first = rank;
    }
    for (const std::size_t length : {1, 5, 20, 49, 200}) {
      std::string text;
      std::vector<TokenId> ids;
      for (std::size_t i = 0; i < length; ++i) {
        const auto id = static_cast<TokenId>(random() % 4);
        text += pieces[static_cast<std::size_t>(id)];
        ids.push_back(id);
      }
      std::vector<SubwordToken> tokens;
      model_->Tokenize(text, tokens);
      std::vector<TokenId> actual;
      std::uint32_t end = 0;
      for (const SubwordToken& token : tokens) {
        actual.push_back(token.id);
        EXPECT_EQ(token.begin, end);
        end = token.end;
      }
      EXPECT_EQ(end, text.size());
      EXPECT_EQ(actual, MergeByDefinition(ids, table)) << text;
    }
  }
}

}  // namespace
}  // namespace quire::engine
