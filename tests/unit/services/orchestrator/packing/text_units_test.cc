#include "services/orchestrator/packing/text_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "services/orchestrator/packing/ascii.h"
#include "tests/unit/services/orchestrator/random_documents.h"

namespace quire::services {
namespace {

using quire::testing::RandomDocuments;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SourceDocument Document(const std::string& text) {
  return {.name = "a", .title = "A", .version = 0, .text = text};
}

std::string TextOf(const std::vector<SourceDocument>& documents, const TextRange& range) {
  return documents[range.document].text.substr(range.start, range.size_bytes());
}

TEST(TextUnitsTest, UnitsAreSentencesAndKnowParagraphs) {
  const std::vector<SourceDocument> documents = {Document("One is here. Two is here.\n\nThree.")};
  const auto units = CutIntoUnits(documents);
  ASSERT_THAT(units, SizeIs(3));
  EXPECT_EQ(TextOf(documents, units[0].range), "One is here. ");
  EXPECT_FALSE(units[0].ends_paragraph);
  EXPECT_EQ(TextOf(documents, units[1].range), "Two is here.\n\n");
  EXPECT_TRUE(units[1].ends_paragraph);
}

TEST(TextUnitsTest, WhiteSpaceAloneHasNoUnits) {
  const std::vector<SourceDocument> documents = {Document(""), Document(" \n\n \n"),
                                                 Document("\n\n One. \n\n\n")};
  const auto units = CutIntoUnits(documents);
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_EQ(units[0].range.document, 2u);
  EXPECT_EQ(units[0].range.start, 0u);
  EXPECT_EQ(units[0].range.end, documents[2].text.size());
}

TEST(TextUnitsTest, AByteOrderMarkIsWhiteSpaceBeforeTheFirstUnit) {
  const std::vector<SourceDocument> documents = {Document("\xEF\xBB\xBF"),
                                                 Document("\xEF\xBB\xBF\nOne. Two.")};
  const auto units = CutIntoUnits(documents);
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_EQ(TextOf(documents, units[0].range), "\xEF\xBB\xBF\nOne. ");
  const TextRange range = units[0].range;
  const auto passages = PassagesOf(documents, std::span(&range, 1));
  ASSERT_THAT(passages, SizeIs(1));
  EXPECT_EQ(passages[0].text, "One.");
  EXPECT_EQ(passages[0].start, 4);
}

TEST(TextUnitsTest, PiecesEndBetweenWords) {
  const std::string text = "Some words that go on for more than thirty-two bytes  and end.";
  std::size_t start = 0;
  for (const std::size_t end : PieceEnds(text)) {
    EXPECT_LE(end - start, 32u);
    if (end < text.size()) {
      EXPECT_EQ(text[end - 1], ' ');
      EXPECT_NE(text[end], ' ');
    }
    start = end;
  }
  EXPECT_EQ(start, text.size());
  EXPECT_THAT(PieceEnds(""), IsEmpty());
}

TEST(TextUnitsTest, LongWordsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "é";
  std::size_t start = 0;
  for (const std::size_t end : PieceEnds(text)) {
    EXPECT_EQ(FindInvalidUtf8(std::string_view(text).substr(start, end - start)), end - start);
    EXPECT_GT(end, start);
    start = end;
  }
  EXPECT_EQ(start, text.size());
}

TEST(TextUnitsTest, PassagesEndAtParagraphsOnceTheyAreLongEnough) {
  const std::string sentence = "This sentence has exactly fifty bytes, blank too. ";
  ASSERT_EQ(sentence.size(), 50u);
  std::string text;
  for (int i = 0; i < 9; ++i) text += sentence;
  text += "\n\n";  // 452 bytes: long enough
  for (int i = 0; i < 20; ++i) text += sentence;
  const std::vector<SourceDocument> documents = {Document(text)};
  const auto passages = JoinIntoPassages(CutIntoUnits(documents));
  ASSERT_THAT(passages, SizeIs(3));
  EXPECT_EQ(passages[0].end, 452u);
  EXPECT_EQ(passages[1].size_bytes(), 800u);
  EXPECT_EQ(passages[2].size_bytes(), 200u);
}

TEST(TextUnitsTest, PassagesDoNotSpanDocuments) {
  const std::vector<SourceDocument> documents = {Document("One."), Document("Two.")};
  EXPECT_THAT(JoinIntoPassages(CutIntoUnits(documents)), SizeIs(2));
}

// Whatever the text: units, pieces and passages tile it, and end between characters.
TEST(TextUnitsTest, EverythingTiles) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const auto documents = RandomDocuments(seed);
    std::vector<TextUnit> pieces;
    for (const TextUnit& unit : CutIntoUnits(documents)) {
      for (const TextUnit& piece : SplitIntoWords(documents, unit)) pieces.push_back(piece);
    }
    for (const auto& ranges :
         {JoinIntoPassages(CutIntoUnits(documents)), JoinIntoPassages(pieces)}) {
      std::vector<std::size_t> read(documents.size(), 0);
      for (const TextRange& range : ranges) {
        ASSERT_EQ(range.start, read[range.document]);
        ASSERT_GT(range.end, range.start);
        read[range.document] = range.end;
        const std::string text = TextOf(documents, range);
        ASSERT_EQ(FindInvalidUtf8(text), text.size());
      }
      for (std::size_t i = 0; i < documents.size(); ++i) {
        const bool is_blank = TrimAscii(documents[i].text).empty();
        ASSERT_EQ(read[i], is_blank ? 0 : documents[i].text.size()) << "seed " << seed;
      }
    }
  }
}

TEST(SourceDocumentTest, PassagesAreTrimmedAndTheirBytesAreTheText) {
  const std::vector<SourceDocument> documents = {Document("\n One. \n\n Two. ")};
  const std::vector<TextRange> ranges = {{0, 0, 8}, {0, 8, 9}, {0, 9, 15}};
  const auto passages = PassagesOf(documents, ranges);
  ASSERT_THAT(passages, SizeIs(2));
  EXPECT_EQ(passages[0].text, "One.");
  EXPECT_EQ(passages[0].start, 2);
  EXPECT_EQ(passages[0].end, 6);
  EXPECT_EQ(passages[1].text, "Two.");
  EXPECT_EQ(documents[0].text.substr(static_cast<std::size_t>(passages[1].start), 4), "Two.");
}

}  // namespace
}  // namespace quire::services
