#include "engine/sampling/constraints/regex_escapes.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/utf8.h"

namespace quire::engine::constraints {
namespace {

using Ranges = std::vector<CodePointSet::Range>;

CodePointSet One(char32_t c) { return CodePointSet({{c, c}}); }

// \d, \w and \s are ASCII, as in PCRE2 without UCP.
std::optional<CodePointSet> NamedClass(char name) {
  switch (name) {
    case 'd':
      return CodePointSet({{'0', '9'}});
    case 'w':
      return CodePointSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
    case 's':
      return CodePointSet({{'\t', '\r'}, {' ', ' '}});
    case 'D':
    case 'W':
    case 'S':
      return NamedClass(static_cast<char>(name - 'A' + 'a'))->Complement();
    default:
      return std::nullopt;
  }
}

std::optional<char32_t> ControlCharacter(char name, bool in_class) {
  switch (name) {
    case 'n':
      return U'\n';
    case 'r':
      return U'\r';
    case 't':
      return U'\t';
    case 'f':
      return U'\f';
    case 'b':  // elsewhere a word boundary
      return in_class ? std::optional(U'\b') : std::nullopt;
    default:
      return std::nullopt;
  }
}

// What follows "\u": four digits, or two groups of four that make one character.
std::optional<char32_t> TakeUtf16(RegexReader& reader) {
  const std::optional<char32_t> unit = reader.TakeHex(4);
  if (!unit || *unit < 0xD800 || *unit > 0xDFFF) return unit;
  if (*unit > 0xDBFF || !reader.Take('\\') || !reader.Take('u')) return std::nullopt;
  const std::optional<char32_t> low = reader.TakeHex(4);
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  return 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
}

// What follows "\x": two digits, or one to six in braces.
std::optional<char32_t> TakeCodePoint(RegexReader& reader) {
  if (!reader.Take('{')) return reader.TakeHex(2);
  char32_t value = 0;
  int digits = 0;
  while (const std::optional<char32_t> digit = reader.TakeHex(1)) {
    value = value * 16 + *digit;
    if (++digits > 6) return std::nullopt;
  }
  if (digits == 0 || !reader.Take('}')) return std::nullopt;
  const bool is_scalar = value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  return is_scalar ? std::optional(value) : std::nullopt;
}

// The character that is the end of a range, if `set` is one.
std::optional<char32_t> OnlyCharacter(const CodePointSet& set) {
  if (set.ranges().size() != 1) return std::nullopt;
  const CodePointSet::Range& range = set.ranges().front();
  return range.first == range.last ? std::optional(range.first) : std::nullopt;
}

// A character or an escape inside brackets.
StatusOr<CodePointSet> ParseClassAtom(RegexReader& reader) {
  if (reader.Peek() == '\\') return ParseEscape(reader, /*in_class=*/true);
  const std::size_t begin = reader.offset();
  const char32_t c = reader.TakeCharacter();
  if (c == '[' && !reader.at_end() &&
      (reader.Peek() == ':' || reader.Peek() == '.' || reader.Peek() == '=')) {
    return RegexReader::ErrorAt(begin, "a class inside a class is not supported");
  }
  return One(c);
}

}  // namespace

bool RegexReader::Take(char c) {
  if (at_end() || Peek() != c) return false;
  ++offset_;
  return true;
}

char32_t RegexReader::TakeCharacter() {
  const DecodedChar c = DecodeUtf8(pattern_, offset_);
  offset_ += static_cast<std::size_t>(c.length_bytes);
  return c.code_point;
}

std::optional<std::int32_t> RegexReader::TakeNumber() {
  constexpr std::int32_t kTooLarge = 1'000'000;
  if (at_end() || !IsAsciiDigit(Peek())) return std::nullopt;
  std::int32_t value = 0;
  for (; !at_end() && IsAsciiDigit(Peek()); ++offset_) {
    if (value < kTooLarge) value = value * 10 + (Peek() - '0');
  }
  return value;
}

std::optional<char32_t> RegexReader::TakeHex(int count) {
  char32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t at = offset_ + static_cast<std::size_t>(i);
    if (at >= pattern_.size()) return std::nullopt;
    const int digit = HexDigit(pattern_[at]);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit);
  }
  offset_ += static_cast<std::size_t>(count);
  return value;
}

Status RegexReader::ErrorAt(std::size_t offset, std::string_view what) {
  return InvalidArgument("byte {}: {}", offset, what);
}

StatusOr<CodePointSet> ParseEscape(RegexReader& reader, bool in_class) {
  const std::size_t begin = reader.offset();
  reader.Take('\\');
  if (reader.at_end()) return RegexReader::ErrorAt(begin, "wanted a character after '\\'");
  const char name = reader.Peek();
  if (!IsAsciiLetter(name) && !IsAsciiDigit(name)) return One(reader.TakeCharacter());
  reader.Take(name);
  if (auto set = NamedClass(name)) return *std::move(set);
  if (const auto c = ControlCharacter(name, in_class)) return One(*c);
  if (name == '0' && (reader.at_end() || !IsAsciiDigit(reader.Peek()))) return One(0);
  if (name == 'x' || name == 'u') {
    const auto c = name == 'x' ? TakeCodePoint(reader) : TakeUtf16(reader);
    if (c) return One(*c);
    return RegexReader::ErrorAt(begin, "wanted the hexadecimal number of a character");
  }
  return RegexReader::ErrorAt(begin, fmt::format("'\\{}' is not supported", name));
}

StatusOr<CodePointSet> ParseClass(RegexReader& reader) {
  const std::size_t begin = reader.offset();
  reader.Take('[');
  const bool negated = reader.Take('^');
  if (reader.Take(']')) {
    return RegexReader::ErrorAt(begin, "wanted '\\]' for a ']' that begins a class");
  }
  Ranges ranges;
  while (!reader.Take(']')) {
    if (reader.at_end()) return RegexReader::ErrorAt(begin, "wanted a ']' for this '['");
    const std::size_t atom = reader.offset();
    QUIRE_ASSIGN_OR_RETURN(const CodePointSet low, ParseClassAtom(reader));
    const std::size_t dash = reader.offset();
    const bool is_range = reader.Take('-') && !reader.at_end() && reader.Peek() != ']';
    if (!is_range) {
      reader.Return(dash);
      ranges.insert(ranges.end(), low.ranges().begin(), low.ranges().end());
      continue;
    }
    QUIRE_ASSIGN_OR_RETURN(const CodePointSet high, ParseClassAtom(reader));
    const auto first = OnlyCharacter(low);
    const auto last = OnlyCharacter(high);
    if (!first || !last || *last < *first) {
      return RegexReader::ErrorAt(atom, "wanted a range of characters that begins with the lower");
    }
    ranges.push_back({*first, *last});
  }
  CodePointSet set(std::move(ranges));
  return negated ? set.Complement() : set;
}

}  // namespace quire::engine::constraints
