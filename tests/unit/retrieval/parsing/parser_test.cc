#include "retrieval/parsing/parser.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::IsOk;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParserTest, TextIsTheBytesUploaded) {
  const std::string bytes = "One\r\n\ttwo \xC3\xA9\n\n";
  const auto plain = ParseDocument(MediaType::kPlainText, bytes);
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->text, bytes);
  const auto markdown = ParseDocument(MediaType::kMarkdown, bytes);
  ASSERT_THAT(markdown, IsOk());
  EXPECT_EQ(markdown->text, bytes);
}

TEST(ParserTest, AByteOrderMarkStaysSoThatOffsetsAreThoseOfTheFile) {
  const auto document = ParseDocument(MediaType::kMarkdown, "\xEF\xBB\xBF# Guide\n");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->text, "\xEF\xBB\xBF# Guide\n");
  ASSERT_EQ(document->headings.size(), 1u);
  EXPECT_EQ(document->headings[0].start, 3u);
  EXPECT_EQ(document->headings[0].title, "Guide");
}

TEST(ParserTest, InvalidUtf8IsRefusedWithItsOffset) {
  EXPECT_THAT(ParseDocument(MediaType::kPlainText, "abc\xFF"),
              FailsWith(kInvalid, "byte 0xff at offset 3"));
  EXPECT_THAT(ParseDocument(MediaType::kMarkdown, "\xED\xA0\x80"), FailsWith(kInvalid, "offset 0"));
}

TEST(ParserTest, ADocumentWithoutTextIsRefused) {
  EXPECT_THAT(ParseDocument(MediaType::kPlainText, ""), FailsWith(kInvalid, "no bytes"));
  EXPECT_THAT(ParseDocument(MediaType::kPlainText, " \n\xC2\xA0\xE3\x80\x80"),
              FailsWith(kInvalid, "white space"));
  EXPECT_THAT(ParseDocument(MediaType::kPlainText, "\xEF\xBB\xBF \n"),
              FailsWith(kInvalid, "white space"));
}

TEST(ParserTest, MarkdownHeadingsHaveLevelTitleAndPosition) {
  const auto document = ParseDocument(
      MediaType::kMarkdown, "# Guide\n\ntext\n\n```\n# code\n```\n  ## Parts ##\nSums\n---\n#\n");
  ASSERT_THAT(document, IsOk());
  ASSERT_EQ(document->headings.size(), 3u);
  const auto text_of = [&](const Heading& heading) {
    return document->text.substr(heading.start, heading.end - heading.start);
  };
  EXPECT_EQ(document->headings[0].title, "Guide");
  EXPECT_EQ(text_of(document->headings[0]), "# Guide");
  EXPECT_EQ(document->headings[1].title, "Parts");
  EXPECT_EQ(document->headings[1].level, 2);
  EXPECT_EQ(text_of(document->headings[1]), "## Parts ##");
  EXPECT_EQ(document->headings[2].title, "Sums");
  EXPECT_EQ(text_of(document->headings[2]), "Sums\n---");
}

TEST(ParserTest, PlainTextHasNoHeadings) {
  const auto document = ParseDocument(MediaType::kPlainText, "# Guide\ntext");
  ASSERT_THAT(document, IsOk());
  EXPECT_TRUE(document->headings.empty());
}

TEST(ParserTest, ALongTitleIsCutBetweenCharacters) {
  std::string bytes = "# ";
  for (int i = 0; i < 200; ++i) bytes += "\xE2\x82\xAC";  // 3 bytes each
  const auto document = ParseDocument(MediaType::kMarkdown, bytes);
  ASSERT_THAT(document, IsOk());
  ASSERT_EQ(document->headings.size(), 1u);
  EXPECT_EQ(document->headings[0].title.size(), 255u);
  EXPECT_EQ(document->headings[0].end, bytes.size());
}

}  // namespace
}  // namespace quire::retrieval
