#include "engine/tokenizer/jinja/string_literal.h"

#include <charconv>

#include "base/utf8.h"

namespace quire::engine::jinja {
namespace {

// Reads a number of `max_digits` at text[at], all of which must be there unless `shorter`.
std::optional<char32_t> ReadCode(std::string_view text, std::size_t& at, std::size_t max_digits,
                                 int base, bool shorter) {
  const std::string_view digits = text.substr(at, max_digits);
  std::uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  const auto size = static_cast<std::size_t>(end - digits.data());
  if (error != std::errc() || (size < max_digits && !shorter)) return std::nullopt;
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
  at += size;
  return static_cast<char32_t>(code);
}

std::optional<char> SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> ResolveEscapes(std::string_view literal) {
  std::string text;
  for (std::size_t at = 0; at < literal.size();) {
    if (literal[at] != '\\' || at + 1 == literal.size()) {
      text += literal[at++];
      continue;
    }
    const char c = literal[at + 1];
    at += 2;
    if (const std::optional<char> simple = SimpleEscape(c)) {
      text += *simple;
      continue;
    }
    if (c == '\n') continue;  // a line that goes on
    std::optional<char32_t> code;
    if (c == 'x') {
      code = ReadCode(literal, at, 2, 16, false);
    } else if (c == 'u') {
      code = ReadCode(literal, at, 4, 16, false);
    } else if (c == 'U') {
      code = ReadCode(literal, at, 8, 16, false);
    } else if (c >= '0' && c <= '7') {
      --at;
      code = ReadCode(literal, at, 3, 8, true);
    } else {
      // An unknown escape stands for itself.
      text += '\\';
      text += c;
      continue;
    }
    if (!code) return std::nullopt;
    AppendUtf8(*code, text);
  }
  return text;
}

}  // namespace quire::engine::jinja
