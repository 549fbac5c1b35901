#include "engine/tokenizer/unigram_model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include "base/utf8.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;
using ScoredTexts = std::vector<std::pair<std::string, double>>;

class UnigramModelTest : public ::testing::Test {
 protected:
  // Piece 0 is the unknown token.
  StatusOr<std::unique_ptr<UnigramModel>> Create(const ScoredTexts& pieces,
                                                 bool byte_fallback = false,
                                                 bool single_precision = false) {
    std::vector<std::pair<std::string, TokenId>> tokens;
    UnigramModel::Options options;
    for (const auto& [text, score] : pieces) {
      tokens.emplace_back(text, static_cast<TokenId>(tokens.size()));
      options.scores.push_back(score);
      options.min_score = std::min(options.min_score, score);
    }
    options.usable.assign(pieces.size(), true);
    options.usable[0] = false;
    options.unknown_id = 0;
    options.byte_fallback = byte_fallback;
    options.single_precision = single_precision;
    vocabulary_ = *Vocabulary::Create(tokens, "test");
    return UnigramModel::Create(*vocabulary_, std::move(options), "test");
  }

  static std::vector<std::string> Cut(const UnigramModel& model, std::string_view text) {
    std::vector<SubwordToken> tokens;
    model.Tokenize(text, tokens);
    std::vector<std::string> pieces;
    for (const SubwordToken& token : tokens) {
      pieces.emplace_back(text.substr(token.begin, token.end - token.begin));
    }
    return pieces;
  }
  static std::vector<TokenId> Ids(const UnigramModel& model, std::string_view text) {
    std::vector<SubwordToken> tokens;
    model.Tokenize(text, tokens);
    std::vector<TokenId> ids;
    for (const SubwordToken& token : tokens) ids.push_back(token.id);
    return ids;
  }

  std::unique_ptr<const Vocabulary> vocabulary_;
};

TEST_F(UnigramModelTest, TakesTheBestSum) {
  const auto model = *Create({{"<unk>", 0},
                              {"a", 0},
                              {"b", 0},
                              {"c", 0},
                              {"d", 0},
                              {"cd", 1},
                              {"ab", 2},
                              {"abc", 5},
                              {"abcd", 10}});
  EXPECT_THAT(Cut(*model, "abcdacdxx"), ElementsAre("abcd", "a", "cd", "xx"));
}

// "3" + "3333" + "3333" and "3333" + "3333" + "3" have the same sum, but for how it is rounded.
TEST_F(UnigramModelTest, RoundedSumsAreCompared) {
  const ScoredTexts pieces = {{"<unk>", 0},
                              {"3", -7.973637580871582},
                              {"33", -10.618101119995117},
                              {"333", -12.254426956176758},
                              {"3333", -13.16446590423584}};
  const auto model = *Create(pieces, /*byte_fallback=*/false, /*single_precision=*/true);
  EXPECT_THAT(Cut(*model, "333333333"), ElementsAre("3", "3333", "3333"));
}

TEST_F(UnigramModelTest, TheEarliestPieceWinsATie) {
  const auto model = *Create({{"<unk>", 0}, {"a", -1}, {"aa", -2}});
  EXPECT_THAT(Cut(*model, "aa"), ElementsAre("aa"));
}

TEST_F(UnigramModelTest, UnknownCharactersAreOneTokenOrBytes) {
  ScoredTexts pieces = {{"<unk>", 0}, {"a", -1}};
  EXPECT_THAT(Ids(**Create(pieces), "a日本a"), ElementsAre(1, 0, 1));
  for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(fmt::format("<0x{:02X}>", byte), -9);
  EXPECT_THAT(Ids(**Create(pieces, /*byte_fallback=*/true), "a日"),
              ElementsAre(1, 2 + 0xE6, 2 + 0x97, 2 + 0xA5));
  pieces.erase(pieces.begin() + 2 + 0x97);
  EXPECT_THAT(Ids(**Create(pieces, /*byte_fallback=*/true), "a日"), ElementsAre(1, 0));
}

TEST_F(UnigramModelTest, ScoresMustBeFinite) {
  using ::quire::testing::FailsWith;
  EXPECT_THAT(Create({{"<unk>", 0}, {"a", std::numeric_limits<double>::quiet_NaN()}}).status(),
              FailsWith(absl::StatusCode::kInvalidArgument, "test[1]: wanted a finite score"));
}

// The best sum over all ways to cut, by its definition.
double BestSum(std::string_view text, const std::map<std::string, double, std::less<>>& scores,
               double unknown) {
  std::vector<double> best(text.size() + 1, -std::numeric_limits<double>::infinity());
  best[0] = 0;
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= text.size(); ++end) {
      const auto found = scores.find(text.substr(begin, end - begin));
      if (found != scores.end()) best[end] = std::max(best[end], best[begin] + found->second);
    }
    if (!scores.contains(text.substr(begin, 1))) {
      best[begin + 1] = std::max(best[begin + 1], best[begin] + unknown);
    }
  }
  return best.back();
}

TEST_F(UnigramModelTest, AgreesWithTheDefinition) {
  std::mt19937 random(20261128);
  const auto letter = [&] { return static_cast<char>('a' + random() % 4); };
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    std::map<std::string, double, std::less<>> scores;
    for (int i = 0; i < 25; ++i) {
      std::string piece(1 + random() % 4, ' ');
      std::generate(piece.begin(), piece.end(), letter);
      scores[piece] = -static_cast<double>(random() % 1000) / 64;
    }
    ScoredTexts pieces = {{"<unk>", 0}};
    pieces.insert(pieces.end(), scores.begin(), scores.end());
    const auto model = *Create(pieces);
    double unknown = 0;
    for (const auto& [piece, score] : pieces) unknown = std::min(unknown, score);
    unknown -= 10;
    std::string text(1 + random() % 300, ' ');
    std::generate(text.begin(), text.end(), letter);
    double sum = 0;
    std::string joined;
    for (const std::string& piece : Cut(*model, text)) {
      const auto found = scores.find(piece);
      sum += found != scores.end() ? found->second : unknown * static_cast<double>(piece.size());
      joined += piece;
    }
    EXPECT_EQ(joined, text);
    EXPECT_NEAR(sum, BestSum(text, scores, unknown), 1e-9);
  }
}

}  // namespace
}  // namespace quire::engine
