#include "engine/tokenizer/word_piece_model.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;

class WordPieceModelTest : public ::testing::Test {
 protected:
  std::vector<std::string> Pieces(std::string_view word,
                                  const WordPieceModel::Options& options = {}) {
    const auto model = *WordPieceModel::Create(*vocabulary_, options, "test");
    std::vector<SubwordToken> tokens;
    model->Tokenize(word, tokens);
    std::vector<std::string> pieces;
    for (const SubwordToken& token : tokens) pieces.emplace_back(vocabulary_->Text(token.id));
    return pieces;
  }

  const std::unique_ptr<const Vocabulary> vocabulary_ = *Vocabulary::Create({{"[UNK]", 0},
                                                                             {"un", 1},
                                                                             {"una", 2},
                                                                             {"##able", 3},
                                                                             {"##ble", 4},
                                                                             {"##a", 5},
                                                                             {"é", 6},
                                                                             {"##é", 7},
                                                                             {"[SEP]", 8}},
                                                                            "test");
};

TEST_F(WordPieceModelTest, TakesTheLongestTokenEachTime) {
  EXPECT_THAT(Pieces("unable"), ElementsAre("una", "##ble"));
}

TEST_F(WordPieceModelTest, AWordThatCannotBeCoveredIsUnknownAsAWhole) {
  EXPECT_THAT(Pieces("unx"), ElementsAre("[UNK]"));
  EXPECT_THAT(Pieces("x"), ElementsAre("[UNK]"));
}

TEST_F(WordPieceModelTest, LengthIsCountedInCharacters) {
  EXPECT_THAT(Pieces("ééé", {.max_input_chars_per_word = 3}), ElementsAre("é", "##é", "##é"));
  EXPECT_THAT(Pieces("éééé", {.max_input_chars_per_word = 3}), ElementsAre("[UNK]"));
}

TEST_F(WordPieceModelTest, TextNeverBecomesASpecialToken) {
  EXPECT_THAT(Pieces("[SEP]"), ElementsAre("[SEP]"));
  std::vector<bool> is_special(9);
  is_special[8] = true;
  EXPECT_THAT(Pieces("[SEP]", {.is_special = is_special}), ElementsAre("[UNK]"));
}

TEST_F(WordPieceModelTest, TheUnknownTokenMustExist) {
  EXPECT_THAT(WordPieceModel::Create(*vocabulary_, {.unknown_token = "<unk>"}, "test"),
              quire::testing::FailsWith(absl::StatusCode::kInvalidArgument, "unk_token"));
}

}  // namespace
}  // namespace quire::engine
