#include "base/sentences.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

namespace quire {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Sentences(std::string_view text) {
  std::vector<std::string> sentences;
  std::size_t start = 0;
  for (const std::size_t end : SentenceEnds(text)) {
    EXPECT_GT(end, start) << "sentences are not empty";
    sentences.emplace_back(text.substr(start, end - start));
    start = end;
  }
  EXPECT_EQ(start, text.size()) << "the pieces joined are the text";
  return sentences;
}

TEST(SentencesTest, EmptyTextHasNone) { EXPECT_THAT(Sentences(""), ElementsAre()); }

TEST(SentencesTest, WhiteSpaceBelongsToTheSentenceBefore) {
  EXPECT_THAT(Sentences("One. Two!  Three? "), ElementsAre("One. ", "Two!  ", "Three? "));
}

TEST(SentencesTest, AWrappedLineGoesOn) {
  EXPECT_THAT(Sentences("A sentence that\nwraps. Another\r\none."),
              ElementsAre("A sentence that\nwraps. ", "Another\r\none."));
}

TEST(SentencesTest, ABlankLineEndsOne) {
  EXPECT_THAT(Sentences("No stop\n\nNext"), ElementsAre("No stop\n\n", "Next"));
}

TEST(SentencesTest, AbbreviationsDoNot) {
  EXPECT_THAT(Sentences("Ask Dr. Smith, e.g. Monday. Then go."),
              ElementsAre("Ask Dr. Smith, e.g. Monday. ", "Then go."));
  EXPECT_THAT(Sentences("See No. 5 and Fig. 7. Really? No. Then not."),
              ElementsAre("See No. 5 and Fig. 7. ", "Really? ", "No. ", "Then not."));
  EXPECT_THAT(Sentences("J. R. R. Tolkien joined the U.S. Army? So did I. Good."),
              ElementsAre("J. R. R. Tolkien joined the U.S. Army? ", "So did I. ", "Good."));
}

TEST(SentencesTest, NumberingGoesWithWhatItNumbers) {
  EXPECT_THAT(Sentences("1. Open the valve. 2. Wait."),
              ElementsAre("1. Open the valve. ", "2. Wait."));
  EXPECT_THAT(Sentences("It costs 3.50. Cheap."), ElementsAre("It costs 3.50. ", "Cheap."));
}

TEST(SentencesTest, MarkdownElementsAreSentences) {
  EXPECT_THAT(Sentences("# A. B. Title. Here\nText\n- item\n| a. B | c |\n```\nx. Y\n```\nend"),
              ElementsAre("# A. B. Title. Here\n", "Text\n", "- item\n", "| a. B | c |\n",
                          "```\nx. Y\n```\n", "end"));
}

TEST(SentencesTest, OtherScriptsHaveTheirOwnStops) {
  EXPECT_THAT(Sentences("今天下雨。我们回家！好吗？"),
              ElementsAre("今天下雨。", "我们回家！", "好吗？"));
  EXPECT_THAT(Sentences("Это так. Да."), ElementsAre("Это так. ", "Да."));
}

TEST(SentencesTest, TimeIsLinearInHostileText) {
  const auto seconds = [](const std::string& text) {
    const auto start = std::chrono::steady_clock::now();
    SentenceEnds(text);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const std::string unit :
       {"a", ". ", "1. ", "e.g. ", "\n", "~~~\n", "- ", "|\n", ".\xE2\x80\x9D ", "\xC3\xA9. 1 "}) {
    std::string text;
    while (text.size() < (std::size_t{1} << 20)) text += unit;
    EXPECT_LT(seconds(text), 5.0) << unit;  // quadratic time would take hours
  }
}

}  // namespace
}  // namespace quire
