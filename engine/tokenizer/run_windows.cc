#include "engine/tokenizer/run_windows.h"

#include <algorithm>

#include "base/utf8.h"

namespace quire::engine {
namespace {

// Tokens at the end of a window that the next one begins with again. Too few cost a wider window
// now and then, never a wrong token.
constexpr std::size_t kOverlapTokens = 16;

}  // namespace

void RunWindows::AppendTo(std::vector<SubwordToken>& tokens) {
  first_ = tokens.size();
  // At most one for each byte: growing step by step would touch twice the memory.
  tokens.reserve(tokens.size() + word_.size());
  while (begin_ < word_.size()) {
    if (AppendWindow(tokens)) size_ = bytes_;
  }
}

bool RunWindows::AppendWindow(std::vector<SubwordToken>& tokens) {
  std::size_t end = word_.size();
  if (size_ < word_.size() - begin_) end = std::max(CharacterBegin(begin_ + size_), begin_ + 1);
  const std::size_t num_before = tokens.size();
  EncodeWindow(end, tokens);
  if (tokens.size() == num_before) {  // characters that no token stands for
    begin_ = end;
    return true;
  }
  if (num_before > first_ && !AreNeighbours(tokens[num_before - 1], tokens[num_before])) {
    const Window& last = windows_.back();
    begin_ = last.begin;
    size_ = 2 * (end - begin_);
    tokens.resize(last.num_tokens);
    windows_.pop_back();
    return false;
  }
  windows_.push_back({begin_, num_before});
  begin_ = end;
  if (end < word_.size()) DropLast(num_before, tokens);
  return true;
}

void RunWindows::EncodeWindow(std::size_t end, std::vector<SubwordToken>& tokens) {
  const std::string_view text = word_.substr(begin_, end - begin_);
  // Tokens depend on the text alone, but for what marks the word's own ends.
  const bool is_inside = begin_ > 0 && end < word_.size();
  if (!is_inside || text != known_text_) {
    const std::size_t first = tokens.size();
    encode_(begin_, end, tokens);
    if (!is_inside) return;
    known_text_ = text;
    known_begin_ = begin_;
    known_tokens_.assign(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
    return;
  }
  const auto shift = static_cast<std::uint32_t>(begin_ - known_begin_);
  for (const SubwordToken& token : known_tokens_) {
    tokens.push_back({token.id, token.begin + shift, token.end + shift});
  }
}

void RunWindows::DropLast(std::size_t num_before, std::vector<SubwordToken>& tokens) {
  std::size_t count = tokens.size() - std::min(kOverlapTokens, (tokens.size() - num_before) / 2);
  // A character may be several tokens.
  while (count > num_before && CharacterBegin(tokens[count - 1].end) != tokens[count - 1].end) {
    --count;
  }
  if (count == num_before || count == tokens.size()) return;
  tokens.resize(count);
  begin_ = tokens.back().end;
}

bool RunWindows::AreNeighbours(const SubwordToken& left, const SubwordToken& right) {
  together_.clear();
  std::size_t end = right.end;
  while (end < word_.size() && CharacterBegin(end) != end) ++end;
  encode_(CharacterBegin(left.begin), end, together_);
  return std::any_of(together_.begin(), together_.end(), [&](const SubwordToken& token) {
    return token.id == left.id && token.begin == left.begin && token.end == left.end;
  });
}

std::size_t RunWindows::CharacterBegin(std::size_t at) const {
  return by_character_ && at < word_.size() ? PreviousUtf8Offset(word_, at + 1) : at;
}

}  // namespace quire::engine
