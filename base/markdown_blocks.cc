#include "base/markdown_blocks.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/utf8.h"

namespace quire {
namespace {

constexpr std::string_view kBlank = " \t\f\v\r";
using Kind = MarkdownBlock::Kind;

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(kBlank) == std::string_view::npos;
}

std::size_t CountLeading(std::string_view text, char c) {
  return std::min(text.find_first_not_of(c), text.size());
}

// The line without its indentation; nothing if that is more than CommonMark allows a block.
std::optional<std::string_view> Unindent(std::string_view line) {
  const std::size_t spaces = CountLeading(line, ' ');
  if (spaces > 3) return std::nullopt;
  return line.substr(spaces);
}

struct Fence {
  char mark = 0;  // 0: no fence
  std::size_t length = 0;
};

// An opening or closing fence. Any indentation counts, for fences inside list items.
Fence ParseFence(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  const std::size_t length = CountLeading(line, line[0]);
  if (length < 3) return {};
  // `code` may open and close on one line: then it is inline.
  if (line[0] == '`' && line.find('`', length) != std::string_view::npos) return {};
  return {line[0], length};
}

bool ClosesFence(std::string_view line, const Fence& opening) {
  const Fence fence = ParseFence(line);
  if (fence.mark != opening.mark || fence.length < opening.length) return false;
  return IsBlank(line.substr(line.find_last_of(fence.mark) + 1));
}

bool IsThematicBreak(std::string_view line) {
  const auto content = Unindent(line);
  if (!content || content->empty()) return false;
  const char mark = content->front();
  if (mark != '-' && mark != '*' && mark != '_') return false;
  const auto is_mark_or_blank = [&](char c) {
    return c == mark || kBlank.find(c) != std::string_view::npos;
  };
  return std::count(content->begin(), content->end(), mark) >= 3 &&
         std::all_of(content->begin(), content->end(), is_mark_or_blank);
}

// Level of an ATX heading, 0 if the line is none.
int AtxLevel(std::string_view line) {
  const auto content = Unindent(line);
  if (!content) return 0;
  const std::size_t level = CountLeading(*content, '#');
  if (level < 1 || level > 6) return 0;
  if (level < content->size() && kBlank.find((*content)[level]) == std::string_view::npos) return 0;
  return static_cast<int>(level);
}

// Level of the heading that this line makes of the line before, 0 if it is no underline.
int SetextLevel(std::string_view line) {
  const auto content = Unindent(line);
  if (!content || content->empty()) return 0;
  const char mark = content->front();
  if (mark != '=' && mark != '-') return 0;
  if (!IsBlank(content->substr(CountLeading(*content, mark)))) return 0;
  return mark == '=' ? 1 : 2;
}

bool IsTableRow(std::string_view line) {
  const auto content = Unindent(line);
  return content && content->starts_with('|');
}

// Whether the line starts a list item. Inside a paragraph a number must be 1, so that a sentence
// that happens to wrap before "1986. " stays whole.
bool IsListItem(std::string_view line, bool inside_paragraph) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (line.empty()) return false;
  std::size_t marker = 0;
  if (line[0] == '-' || line[0] == '*' || line[0] == '+') {
    marker = 1;
  } else {
    while (marker < line.size() && IsAsciiDigit(line[marker])) ++marker;
    if (marker == 0 || marker > 9 || marker == line.size()) return false;
    if (line[marker] != '.' && line[marker] != ')') return false;
    if (inside_paragraph && line.substr(0, marker) != "1") return false;
    ++marker;
  }
  if (marker == line.size()) return !inside_paragraph;
  return (line[marker] == ' ' || line[marker] == '\t') && !IsBlank(line.substr(marker));
}

void SetAtxTitle(std::string_view text, std::size_t line_start, std::string_view line,
                 MarkdownBlock& block) {
  std::size_t start = line.find('#');
  start = std::min(line.find_first_not_of(kBlank, start + CountLeading(line.substr(start), '#')),
                   line.size());
  std::string_view title = line.substr(start);
  const auto trim_end = [&] { title = title.substr(0, title.find_last_not_of(kBlank) + 1); };
  trim_end();
  // A closing run of '#' counts as one only after a blank.
  const std::string_view without = title.substr(0, title.find_last_not_of('#') + 1);
  if (without.empty() || kBlank.find(without.back()) != std::string_view::npos) title = without;
  trim_end();
  block.title_start = line_start + start;
  block.title_end = std::min(block.title_start + title.size(), text.size());
}

}  // namespace

MarkdownBlockScanner::Line MarkdownBlockScanner::LineAt(std::size_t start) const {
  Line line{start, std::min(text_.find_first_of("\r\n", start), text_.size()), 0};
  line.next = std::min(line.end + 1, text_.size());
  if (text_.substr(line.end, 2) == "\r\n") ++line.next;
  return line;
}

std::string_view MarkdownBlockScanner::Content(const Line& line) const {
  return text_.substr(line.start, line.end - line.start);
}

bool MarkdownBlockScanner::StartsBlock(std::string_view line, Kind inside) const {
  return ParseFence(line).mark != 0 || AtxLevel(line) > 0 || IsThematicBreak(line) ||
         IsTableRow(line) || IsListItem(line, inside == Kind::kParagraph);
}

void MarkdownBlockScanner::ConsumeFencedCode(const Line& opening) {
  const Fence fence = ParseFence(Content(opening));
  position_ = opening.next;
  while (position_ < text_.size()) {
    const Line line = LineAt(position_);
    position_ = line.next;
    if (ClosesFence(Content(line), fence)) return;
  }
}

void MarkdownBlockScanner::ConsumeText(const Line& first, MarkdownBlock& block) {
  position_ = first.next;
  if (block.kind == Kind::kParagraph && position_ < text_.size()) {
    const Line second = LineAt(position_);
    if (const int level = SetextLevel(Content(second)); level > 0) {
      block.kind = Kind::kHeading;
      block.level = level;
      const std::string_view title = Content(first);
      block.title_start = first.start + std::min(title.find_first_not_of(kBlank), title.size());
      block.title_end = first.start + title.find_last_not_of(kBlank) + 1;
      position_ = second.next;
      return;
    }
  }
  while (position_ < text_.size()) {
    const Line line = LineAt(position_);
    const std::string_view content = Content(line);
    if (IsBlank(content) || StartsBlock(content, block.kind)) return;
    position_ = line.next;
  }
}

void MarkdownBlockScanner::ConsumeBlankLines() {
  while (position_ < text_.size()) {
    const Line line = LineAt(position_);
    if (!IsBlank(Content(line))) return;
    position_ = line.next;
  }
}

std::optional<MarkdownBlock> MarkdownBlockScanner::Next() {
  if (position_ >= text_.size()) return std::nullopt;
  MarkdownBlock block;
  block.start = position_;
  if (position_ == 0) position_ = ByteOrderMarkBytes(text_);
  ConsumeBlankLines();  // only before the first block, the others took theirs
  if (position_ < text_.size()) {
    const Line line = LineAt(position_);
    const std::string_view content = Content(line);
    position_ = line.next;
    if (ParseFence(content).mark != 0) {
      block.kind = Kind::kCode;
      ConsumeFencedCode(line);
    } else if (block.level = AtxLevel(content); block.level > 0) {
      block.kind = Kind::kHeading;
      SetAtxTitle(text_, line.start, content, block);
    } else if (IsThematicBreak(content)) {
      block.kind = Kind::kThematicBreak;
    } else if (IsTableRow(content)) {
      block.kind = Kind::kTableRow;
    } else {
      block.kind = IsListItem(content, false) ? Kind::kListItem : Kind::kParagraph;
      ConsumeText(line, block);
    }
    ConsumeBlankLines();
  }
  block.end = position_;
  return block;
}

}  // namespace quire
