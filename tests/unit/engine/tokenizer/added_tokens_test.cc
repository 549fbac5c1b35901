#include "engine/tokenizer/added_tokens.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;

// Added tokens in square brackets, the text between as it is.
std::vector<std::string> Split(std::vector<AddedToken> tokens, std::string_view text,
                               bool allow_special = true) {
  const auto added = AddedTokens::Create(std::move(tokens), Vocabulary(), nullptr, "test");
  EXPECT_THAT(added, quire::testing::IsOk());
  std::vector<std::string> parts;
  for (const auto& piece : added->Split(text, AddedTokens::Stage::kBeforeNormalization,
                                        [&](std::size_t, std::size_t) { return allow_special; })) {
    const std::string part(text.substr(piece.begin, piece.end - piece.begin));
    parts.push_back(piece.token == PreTokenizedText::kNoToken ? part : "[" + part + "]");
  }
  return parts;
}

TEST(AddedTokensTest, TheLongestTokenWins) {
  EXPECT_THAT(Split({{.id = 0, .content = "<a"}, {.id = 1, .content = "<a>"}}, "x<a>y<a"),
              ElementsAre("x", "[<a>]", "y", "[<a]"));
}

TEST(AddedTokensTest, AForbiddenTokenLeavesRoomForAShorterOne) {
  EXPECT_THAT(Split({{.id = 0, .content = "<a"}, {.id = 1, .content = "<a>", .special = true}},
                    "<a>", false),
              ElementsAre("[<a]", ">"));
}

TEST(AddedTokensTest, StripsTakeWhitespaceButNotTwice) {
  EXPECT_THAT(
      Split({{.id = 0, .content = "L", .lstrip = true}, {.id = 1, .content = "R", .rstrip = true}},
            "a R  L b"),
      ElementsAre("a ", "[R  ]", "[L]", " b"));
}

TEST(AddedTokensTest, SingleWordsStandAlone) {
  EXPECT_THAT(Split({{.id = 0, .content = "w", .single_word = true}}, "w aw wé (w) w"),
              ElementsAre("[w]", " aw wé (", "[w]", ") ", "[w]"));
}

}  // namespace
}  // namespace quire::engine
