#include "engine/tokenizer/bpe_model.h"

#include <gmock/gmock.h>

#include <limits>
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
  // What is left on both sides are neighbours.
  Build({"a", "b", "ab"}, {{"a", "b"}}, {});
  EXPECT_THAT(Pieces("axbxa"), ElementsAre("ab", "a"));
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

// --- Scored pieces -----------------------------------------------------------------------------

class ScoredBpeTest : public ::testing::Test {
 protected:
  using Type = char;  // 'n'ormal, 'u'nused, 'c'ontrol
  struct Piece {
    std::string text;
    float score = 0;
    Type type = 'n';
  };

  Status Build(const std::vector<Piece>& pieces, const BpeModel::Options& options) {
    std::vector<std::pair<std::string, TokenId>> tokens;
    BpeModel::ScoredPieces scored;
    for (const Piece& piece : pieces) {
      tokens.emplace_back(piece.text, static_cast<TokenId>(tokens.size()));
      scored.scores.push_back(piece.score);
      scored.usable.push_back(piece.type != 'c');
      scored.unused.push_back(piece.type == 'u');
    }
    vocabulary_ = *Vocabulary::Create(tokens, "test");
    auto model = BpeModel::CreateScored(*vocabulary_, scored, options, "test");
    if (model.ok()) model_ = *std::move(model);
    return model.status();
  }

  // The stretches of the text that became tokens.
  std::vector<std::string> Cut(std::string_view text) const {
    std::vector<SubwordToken> tokens;
    model_->Tokenize(text, tokens);
    std::vector<std::string> pieces;
    for (const SubwordToken& token : tokens) {
      pieces.emplace_back(text.substr(token.begin, token.end - token.begin));
    }
    return pieces;
  }

  std::unique_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<BpeModel> model_;
};

TEST_F(ScoredBpeTest, TheHighestScoreMergesFirst) {
  ASSERT_TRUE(Build({{"a"}, {"b"}, {"c"}, {"ab", -2}, {"bc", -1}, {"abc", -3}}, {}).ok());
  EXPECT_THAT(Cut("abc"), ElementsAre("abc"));
  EXPECT_THAT(Cut("abab"), ElementsAre("ab", "ab"));
  EXPECT_THAT(Cut("bcb"), ElementsAre("bc", "b"));
}

TEST_F(ScoredBpeTest, CharactersThatAreNoPiecesStillMerge) {
  // "x" only occurs inside of a piece.
  ASSERT_TRUE(
      Build({{"?", 0, 'c'}, {"a"}, {"ax", -1}}, {.fuse_unknown = true, .unknown_token = "?"}).ok());
  EXPECT_THAT(Cut("axaxxyxa"), ElementsAre("ax", "ax", "xyx", "a"));
}

TEST_F(ScoredBpeTest, ControlPiecesAreNeverMade) {
  ASSERT_TRUE(Build({{"a"}, {"b"}, {"ab", -1, 'c'}}, {}).ok());
  EXPECT_THAT(Cut("ab"), ElementsAre("a", "b"));
}

TEST_F(ScoredBpeTest, UnusedPiecesAreCutIntoWhatTheyWereMadeOf) {
  ASSERT_TRUE(
      Build({{"a"}, {"b"}, {"c"}, {"d"}, {"ab", -1}, {"cd", -2, 'u'}, {"abcd", -3, 'u'}}, {}).ok());
  EXPECT_THAT(Cut("abcd"), ElementsAre("ab", "c", "d"));
  EXPECT_THAT(Cut("cd"), ElementsAre("c", "d"));
}

TEST_F(ScoredBpeTest, WrongScoresAndPiecesAreRefused) {
  using quire::testing::FailsWith;
  using quire::testing::kInvalid;
  EXPECT_THAT(Build({{"a", std::numeric_limits<float>::infinity()}}, {}),
              FailsWith(kInvalid, "test[0]: wanted a finite score"));
  EXPECT_THAT(Build({{std::string(5000, 'a')}}, {}), FailsWith(kInvalid, "at most 4096 bytes"));
}

// The definition: of all neighbours that make a piece, the highest score, the leftmost on ties.
std::vector<std::string> MergeByScore(std::vector<std::string> symbols,
                                      const std::map<std::string, float>& scores) {
  while (true) {
    std::size_t best = symbols.size();
    float best_score = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = scores.find(symbols[i] + symbols[i + 1]);
      if (found == scores.end()) continue;
      if (best < symbols.size() && found->second <= best_score) continue;
      best = i;
      best_score = found->second;
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

// Few different scores, so that ties decide often.
TEST_F(ScoredBpeTest, AgreesWithTheDefinition) {
  std::mt19937 random(4);
  const std::string letters[] = {"a", "b", "c", "▁"};
  for (int round = 0; round < 60; ++round) {
    std::map<std::string, float> scores = {{"a", 0}, {"b", 0}, {"▁", 0}};  // "c" is no piece
    for (int i = 0; i < 30; ++i) {
      std::string piece;
      for (std::size_t length = 2 + random() % 4; length > 0; --length) {
        piece += letters[random() % 4];
      }
      scores[piece] = -static_cast<float>(random() % 6);
    }
    std::vector<Piece> pieces = {{"?", 0, 'c'}};
    for (const auto& [text, score] : scores) pieces.push_back({text, score});
    ASSERT_TRUE(Build(pieces, {.unknown_token = "?"}).ok());
    for (const std::size_t length : {1, 5, 20, 49, 200}) {
      std::vector<std::string> symbols;
      std::string text;
      for (std::size_t i = 0; i < length; ++i) {
        symbols.push_back(letters[random() % 4]);
        text += symbols.back();
      }
      EXPECT_EQ(Cut(text), MergeByScore(symbols, scores)) << text;
    }
  }
}

}  // namespace
}  // namespace quire::engine
