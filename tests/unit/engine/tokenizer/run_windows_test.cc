#include "engine/tokenizer/run_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "base/utf8.h"

namespace quire::engine {
namespace {

// Byte pair encoding as its definition says, but for a list of places: quick enough for long texts.
// A token's id is that of its text; what is no piece has the id of its character.
class Encoder {
 public:
  // Pieces of more than one character, the first merged first.
  Encoder(std::vector<std::string> pieces, std::string alphabet) : alphabet_(std::move(alphabet)) {
    for (std::string& piece : pieces) ranks_.emplace(std::move(piece), ranks_.size());
  }

  std::vector<SubwordToken> Encode(std::string_view text, std::size_t begin,
                                   std::size_t end) const {
    std::vector<SubwordToken> tokens;
    for (std::size_t at = begin; at < end;) {
      const auto next = at + static_cast<std::size_t>(DecodeUtf8(text, at).length_bytes);
      if (alphabet_.find(text[at]) != std::string::npos) tokens.push_back(Token(text, at, next));
      at = next;
    }
    for (std::size_t best = Best(text, tokens); best != kNone; best = Best(text, tokens)) {
      tokens[best] = Token(text, tokens[best].begin, tokens[best + 1].end);
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    return tokens;
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  SubwordToken Token(std::string_view text, std::size_t begin, std::size_t end) const {
    const auto rank = ranks_.find(std::string(text.substr(begin, end - begin)));
    const auto id = rank == ranks_.end() ? 1'000 + static_cast<unsigned char>(text[begin])
                                         : static_cast<TokenId>(rank->second);
    return {static_cast<TokenId>(id), static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(end)};
  }
  // The leftmost of the pairs that merge first.
  std::size_t Best(std::string_view text, const std::vector<SubwordToken>& tokens) const {
    std::size_t best = kNone;
    std::size_t best_rank = kNone;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i].end != tokens[i + 1].begin) continue;
      const auto rank = ranks_.find(
          std::string(text.substr(tokens[i].begin, tokens[i + 1].end - tokens[i].begin)));
      if (rank == ranks_.end() || rank->second >= best_rank) continue;
      best = i;
      best_rank = rank->second;
    }
    return best;
  }

  const std::string alphabet_;
  std::map<std::string, std::size_t> ranks_;
};

std::vector<std::string> RandomPieces(const std::vector<std::string>& letters,
                                      std::mt19937& random) {
  std::vector<std::string> pieces = letters;
  while (pieces.size() < letters.size() + 20) {
    pieces.push_back(pieces[random() % pieces.size()] + pieces[random() % pieces.size()]);
  }
  pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(letters.size()));
  std::shuffle(pieces.begin(), pieces.end(), random);
  return pieces;
}

constexpr std::size_t kWindow = 64;

using Place = std::tuple<TokenId, std::uint32_t, std::uint32_t>;

std::vector<Place> Places(const std::vector<SubwordToken>& tokens) {
  std::vector<Place> places;
  for (const SubwordToken& token : tokens) places.emplace_back(token.id, token.begin, token.end);
  return places;
}

// What the windows make of `text`, and how many bytes were encoded for it.
std::vector<Place> InWindows(const Encoder& encoder, const std::string& text, bool by_character,
                             std::size_t& encoded) {
  std::vector<SubwordToken> tokens = {{7, 0, 0}};  // somebody else's
  RunWindows(
      text, by_character,
      [&](std::size_t begin, std::size_t end, std::vector<SubwordToken>& stretch) {
        encoded += end - begin;
        const auto own = encoder.Encode(text, begin, end);
        stretch.insert(stretch.end(), own.begin(), own.end());
      },
      kWindow)
      .AppendTo(tokens);
  EXPECT_EQ(tokens.front().id, 7);
  tokens.erase(tokens.begin());
  return Places(tokens);
}

TEST(RunWindowsTest, TokensAreThoseOfTheWholeWord) {
  std::mt19937 random(11);
  const std::vector<std::string> letters = {"a", "b", "\u4E2D"};
  for (int round = 0; round < 60; ++round) {
    const Encoder encoder(RandomPieces(letters, random), "ab\u4E2D");
    std::string text;
    while (text.size() < 8 * kWindow) {
      text += letters[round % 3 == 0 ? random() % 3 : random() % 2];
      if (round % 4 == 1 && random() % 20 == 0) text += "?";  // nothing stands for it
    }
    std::size_t encoded = 0;
    EXPECT_EQ(InWindows(encoder, text, /*by_character=*/true, encoded),
              Places(encoder.Encode(text, 0, text.size())));
    EXPECT_LT(encoded, 4 * text.size());
  }
}

// Every token depends on where the word begins, so that no window fits what is before it.
TEST(RunWindowsTest, WindowsWidenUntilTheyFit) {
  const Encoder triples({"aa", "aaa"}, "a");
  const Encoder pairs({"aa", "aaaa", "aaaaaaaa"}, "a");
  const std::string text(6 * kWindow + 5, 'a');
  for (const Encoder* each : {&triples, &pairs}) {
    std::size_t encoded = 0;
    EXPECT_EQ(InWindows(*each, text, /*by_character=*/false, encoded),
              Places(each->Encode(text, 0, text.size())));
  }
}

TEST(RunWindowsTest, TextThatIsNothingGivesNothing) {
  const Encoder encoder({}, "a");
  std::size_t encoded = 0;
  EXPECT_TRUE(InWindows(encoder, std::string(6 * kWindow, '?'), false, encoded).empty());
  std::string one(6 * kWindow, '?');
  one[kWindow + 7] = 'a';
  EXPECT_EQ(InWindows(encoder, one, false, encoded).size(), 1u);
}

}  // namespace
}  // namespace quire::engine
