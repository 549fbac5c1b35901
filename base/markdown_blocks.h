#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace quire {

// A stretch of whole lines of a Markdown (or plain) text; the blank lines after it belong to it.
struct MarkdownBlock {
  enum class Kind {
    kParagraph,  // consecutive lines of text
    kHeading,
    kListItem,       // a marked line and the lines that go on with it
    kTableRow,       // a line that starts with '|'
    kCode,           // a fenced block, from fence to fence or to the end of the text
    kThematicBreak,  // a line of ---, *** or ___
  };
  Kind kind = Kind::kParagraph;
  std::size_t start = 0;  // byte range
  std::size_t end = 0;
  // Of headings only: 1 to 6, and the byte range of the text between the markers.
  int level = 0;
  std::size_t title_start = 0;
  std::size_t title_end = 0;
};

// Cuts a text into blocks, front to back: the part of CommonMark's block structure that sentences
// and sections need. Not a parser: no nesting, no inline markup, and a setext heading has one line
// of text (so that YAML front matter and ruled plain text are no headings).
//
// Source: CommonMark 0.30, sections 4 and 5. Lines end in \n, \r\n or \r. Linear time.
// Thread-compatible.
class MarkdownBlockScanner {
 public:
  // `text` is borrowed.
  explicit MarkdownBlockScanner(std::string_view text) : text_(text) {}

  // The next block, or nothing at the end. The blocks joined are the text.
  std::optional<MarkdownBlock> Next();

 private:
  struct Line {
    std::size_t start = 0;
    std::size_t end = 0;   // without the line break
    std::size_t next = 0;  // after the line break
  };
  Line LineAt(std::size_t start) const;
  std::string_view Content(const Line& line) const;
  bool StartsBlock(std::string_view line, MarkdownBlock::Kind inside) const;
  // Each consumes its lines, without the blank lines after them.
  void ConsumeFencedCode(const Line& opening);
  void ConsumeText(const Line& first, MarkdownBlock& block);
  void ConsumeBlankLines();

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace quire
