#include "base/markdown_blocks.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace quire {
namespace {

using Kind = MarkdownBlock::Kind;
using ::testing::ElementsAre;

// "KIND:text" of each block, line breaks as '/', to compare at a glance.
std::vector<std::string> Blocks(std::string_view text) {
  std::vector<std::string> blocks;
  MarkdownBlockScanner scanner(text);
  std::size_t end = 0;
  while (const auto block = scanner.Next()) {
    EXPECT_EQ(block->start, end) << "blocks must leave no gap";
    end = block->end;
    static constexpr const char* kNames[] = {"p", "h", "li", "tr", "code", "hr"};
    std::string line = kNames[static_cast<int>(block->kind)];
    if (block->kind == Kind::kHeading) line += std::to_string(block->level);
    line += ':';
    for (const char c : text.substr(block->start, block->end - block->start)) {
      line += c == '\n' || c == '\r' ? '/' : c;
    }
    blocks.push_back(line);
  }
  EXPECT_EQ(end, text.size());
  return blocks;
}

std::string Title(std::string_view text) {
  MarkdownBlockScanner scanner(text);
  const auto block = scanner.Next();
  EXPECT_TRUE(block && block->kind == Kind::kHeading) << text;
  return std::string(text.substr(block->title_start, block->title_end - block->title_start));
}

TEST(MarkdownBlocksTest, ParagraphsEndAtBlankLinesWhichBelongToTheOneBefore) {
  EXPECT_THAT(Blocks("\n one\ntwo\n \n\nthree"), ElementsAre("p:/ one/two/ //", "p:three"));
  EXPECT_THAT(Blocks(""), ElementsAre());
  EXPECT_THAT(Blocks(" \n"), ElementsAre("p: /"));
}

TEST(MarkdownBlocksTest, HeadingsNeedABlankAfterAtMostSixMarks) {
  EXPECT_THAT(Blocks("# a\n###### b\ntext\n## c\n"),
              ElementsAre("h1:# a/", "h6:###### b/", "p:text/", "h2:## c/"));
  EXPECT_THAT(Blocks("####### seven\n#!/bin/sh\n    # code\n"),
              ElementsAre("p:####### seven/#!/bin/sh/    # code/"));
}

TEST(MarkdownBlocksTest, TitlesLoseTheirMarkers) {
  EXPECT_EQ(Title("##  Returns and refunds  ##  \n"), "Returns and refunds");
  EXPECT_EQ(Title("# C#\n"), "C#");
  EXPECT_EQ(Title("#\n"), "");
  EXPECT_EQ(Title("## ##\n"), "");
  EXPECT_EQ(Title("  Prices \n=====\n"), "Prices");
}

TEST(MarkdownBlocksTest, AnUnderlineMakesOneLineAHeading) {
  EXPECT_THAT(Blocks("One\n===\nTwo\n---\n\ntext"),
              ElementsAre("h1:One/===/", "h2:Two/---//", "p:text"));
  EXPECT_THAT(Blocks("---\na: 1\nb: 2\n---\ntext"),
              ElementsAre("hr:---/", "p:a: 1/b: 2/", "hr:---/", "p:text"))
      << "front matter is no heading";
}

TEST(MarkdownBlocksTest, FencedCodeHidesWhatIsInside) {
  EXPECT_THAT(Blocks("```sh\n# no heading\n\n~~~\n```\n# yes"),
              ElementsAre("code:```sh/# no heading//~~~/```/", "h1:# yes"));
  EXPECT_THAT(Blocks("~~~~\n~~~\n~~~~ x\n~~~~~\ntext"),
              ElementsAre("code:~~~~/~~~/~~~~ x/~~~~~/", "p:text"));
  EXPECT_THAT(Blocks("```\nopen\n# still"), ElementsAre("code:```/open/# still"));
  EXPECT_THAT(Blocks("```inline``` code"), ElementsAre("p:```inline``` code"));
}

TEST(MarkdownBlocksTest, ListItemsTableRowsAndRulesStandAlone) {
  EXPECT_THAT(Blocks("Buy:\n- milk\n  fresh\n- eggs\n* * *\n| a | b |\n|---|---|\n"),
              ElementsAre("p:Buy:/", "li:- milk/  fresh/", "li:- eggs/", "hr:* * */",
                          "tr:| a | b |/", "tr:|---|---|/"));
  EXPECT_THAT(Blocks("3. three\n4) four"), ElementsAre("li:3. three/", "li:4) four"));
}

TEST(MarkdownBlocksTest, AWrappedNumberIsNoListItem) {
  EXPECT_THAT(Blocks("It was founded in\n1986. It grew."),
              ElementsAre("p:It was founded in/1986. It grew."));
  EXPECT_THAT(Blocks("Steps:\n1. open"), ElementsAre("p:Steps:/", "li:1. open"));
}

TEST(MarkdownBlocksTest, AllThreeLineBreaksCount) {
  EXPECT_THAT(Blocks("# a\r\nb\r\n\r\nc"), ElementsAre("h1:# a//", "p:b////", "p:c"));
  EXPECT_THAT(Blocks("# a\rb\r\rc"), ElementsAre("h1:# a/", "p:b//", "p:c"));
}

}  // namespace
}  // namespace quire
