#include "engine/tokenizer/split_scanners.h"

#include <cstdint>
#include <limits>

#include "base/utf8.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine {
namespace {

constexpr std::string_view kGpt2Regex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::uint8_t kWordClasses = kLetter | kNumber | kWhitespace;

// A character of the text with its classes; the end of the text has neither length nor class.
struct Character {
  char32_t code_point = 0;
  std::size_t length = 0;
  std::uint8_t classes = 0;

  bool Is(std::uint8_t wanted) const { return (classes & wanted) != 0; }
  // Neither letter nor number nor whitespace.
  bool IsSymbol() const { return length > 0 && !Is(kWordClasses); }
};

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  Character At(std::size_t offset) const {
    if (offset >= text_.size()) return {};
    const auto byte = static_cast<unsigned char>(text_[offset]);
    if (byte < 128) return {byte, 1, Classify(byte)};
    const DecodedChar c = DecodeUtf8(text_, offset);
    return {c.code_point, static_cast<std::size_t>(c.length_bytes), Classify(c.code_point)};
  }

  // The end of the longest run of characters of `classes` from `offset`, of at most `limit`.
  std::size_t SkipRun(std::size_t offset, std::uint8_t classes,
                      std::size_t limit = std::numeric_limits<std::size_t>::max()) const {
    for (; limit > 0; --limit) {
      const Character c = At(offset);
      if (!c.Is(classes)) break;
      offset += c.length;
    }
    return offset;
  }
  std::size_t SkipSymbols(std::size_t offset) const {
    for (Character c = At(offset); c.IsSymbol(); c = At(offset)) offset += c.length;
    return offset;
  }

  std::size_t size() const { return text_.size(); }

 private:
  std::string_view text_;
};

// `\s+(?!\S)|\s+`: a run of whitespace leaves its last character to the word that follows.
std::size_t SkipWhitespace(const Cursor& cursor, std::size_t begin) {
  std::size_t last = begin;
  std::size_t end = begin;
  for (Character c = cursor.At(end); c.Is(kWhitespace); c = cursor.At(end)) {
    last = end;
    end += c.length;
  }
  return end == cursor.size() || last == begin ? end : last;
}

// Folds a letter of an English contraction: ASCII, and the long s, whose lower case is s.
char32_t FoldCase(char32_t c) {
  constexpr char32_t kLongS = 0x17F;
  if (c == kLongS) return 's';
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

// `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe: its end, or `begin` if there is none.
std::size_t SkipContraction(const Cursor& cursor, std::size_t begin, bool ignore_case) {
  const auto letter = [&](const Character& c) {
    return ignore_case ? FoldCase(c.code_point) : c.code_point;
  };
  const Character first = cursor.At(begin + 1);
  const char32_t a = letter(first);
  const std::size_t after_first = begin + 1 + first.length;
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return after_first;
  if (a != 'r' && a != 'v' && a != 'l') return begin;
  const Character second = cursor.At(after_first);
  const char32_t wanted = a == 'l' ? 'l' : 'e';
  return letter(second) == wanted ? after_first + second.length : begin;
}

std::size_t Gpt2WordEnd(const Cursor& cursor, std::size_t begin) {
  Character c = cursor.At(begin);
  if (c.code_point == '\'') {
    const std::size_t end = SkipContraction(cursor, begin, /*ignore_case=*/false);
    if (end > begin) return end;
  }
  std::size_t word = begin;
  if (c.code_point == ' ') {
    const Character next = cursor.At(begin + 1);
    if (next.length > 0 && !next.Is(kWhitespace)) {
      word = begin + 1;
      c = next;
    }
  }
  if (c.Is(kLetter)) return cursor.SkipRun(word, kLetter);
  if (c.Is(kNumber)) return cursor.SkipRun(word, kNumber);
  if (c.IsSymbol()) return cursor.SkipSymbols(word);
  return SkipWhitespace(cursor, begin);
}

// `\s*[\r\n]+`: up to the last line break of the run of whitespace, or `begin` if it has none.
std::size_t SkipLineBreaks(const Cursor& cursor, std::size_t begin) {
  std::size_t end = begin;
  std::size_t at = begin;
  for (Character c = cursor.At(at); c.Is(kWhitespace); c = cursor.At(at)) {
    at += c.length;
    if (c.Is(kLineBreak)) end = at;
  }
  return end;
}

std::size_t Llama3WordEnd(const Cursor& cursor, std::size_t begin, std::size_t max_digits) {
  const Character c = cursor.At(begin);
  if (c.code_point == '\'') {
    const std::size_t end = SkipContraction(cursor, begin, /*ignore_case=*/true);
    if (end > begin) return end;
  }
  if (c.Is(kLetter)) return cursor.SkipRun(begin, kLetter);
  if (c.Is(kNumber)) return cursor.SkipRun(begin, kNumber, max_digits);
  const Character next = cursor.At(begin + c.length);
  if (!c.Is(kLineBreak) && next.Is(kLetter)) return cursor.SkipRun(begin + c.length, kLetter);
  if (c.IsSymbol() || (c.code_point == ' ' && next.IsSymbol())) {
    const std::size_t end = cursor.SkipSymbols(c.IsSymbol() ? begin : begin + 1);
    return cursor.SkipRun(end, kLineBreak);
  }
  const std::size_t end = SkipLineBreaks(cursor, begin);
  return end > begin ? end : SkipWhitespace(cursor, begin);
}

class Gpt2Scanner final : public SplitPattern {
 public:
  void FindMatches(std::string_view text, std::vector<Match>& matches) const override {
    const Cursor cursor(text);
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      end = Gpt2WordEnd(cursor, begin);
      matches.push_back({begin, end});
    }
  }
};

class Llama3Scanner final : public SplitPattern {
 public:
  explicit Llama3Scanner(std::size_t max_digits) : max_digits_(max_digits) {}
  void FindMatches(std::string_view text, std::vector<Match>& matches) const override {
    const Cursor cursor(text);
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      end = Llama3WordEnd(cursor, begin, max_digits_);
      matches.push_back({begin, end});
    }
  }

 private:
  const std::size_t max_digits_;
};

}  // namespace

std::unique_ptr<SplitPattern> NewGpt2Scanner() { return std::make_unique<Gpt2Scanner>(); }

std::unique_ptr<SplitPattern> FindSplitScanner(std::string_view regex) {
  if (regex == kGpt2Regex) return NewGpt2Scanner();
  if (regex == kLlama3Regex) return std::make_unique<Llama3Scanner>(3);
  if (regex == kQwen2Regex) return std::make_unique<Llama3Scanner>(1);
  return nullptr;
}

}  // namespace quire::engine
