#include "retrieval/parsing/parser.h"

#include <string_view>
#include <utility>

#include "base/markdown_blocks.h"
#include "base/utf8.h"
#include "retrieval/parsing/white_space.h"

namespace quire::retrieval {
namespace {

constexpr std::size_t kMaxTitleBytes = 256;

std::string CutTitle(std::string_view title) {
  if (title.size() <= kMaxTitleBytes) return std::string(title);
  title = title.substr(0, kMaxTitleBytes);
  return std::string(title.substr(0, title.size() - IncompleteUtf8Suffix(title)));
}

std::vector<Heading> FindHeadings(std::string_view text) {
  std::vector<Heading> headings;
  MarkdownBlockScanner scanner(text);
  while (const auto block = scanner.Next()) {
    const bool titled = block->title_end > block->title_start;
    if (block->kind != MarkdownBlock::Kind::kHeading || !titled) continue;
    const ByteRange range = TrimWhiteSpace(text, {block->start, block->end});
    headings.push_back({.start = range.start,
                        .end = range.end,
                        .level = block->level,
                        .title = CutTitle(text.substr(block->title_start,
                                                      block->title_end - block->title_start))});
  }
  return headings;
}

}  // namespace

StatusOr<ParsedDocument> ParseDocument(MediaType type, std::string bytes) {
  if (const std::size_t invalid = FindInvalidUtf8(bytes); invalid < bytes.size()) {
    return InvalidArgument("document: wanted UTF-8, have byte 0x{:02x} at offset {}",
                           static_cast<unsigned char>(bytes[invalid]), invalid);
  }
  if (TrimWhiteSpace(bytes, {0, bytes.size()}).empty()) {
    return InvalidArgument("document: wanted text, have {}",
                           bytes.empty() ? "no bytes" : "white space alone");
  }
  ParsedDocument document{.text = std::move(bytes), .headings = {}};
  if (type == MediaType::kMarkdown) document.headings = FindHeadings(document.text);
  return document;
}

}  // namespace quire::retrieval
