#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// UTF-8 as The Unicode Standard, table 3-7, defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF.

namespace quire {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct DecodedChar {
  char32_t code_point = 0;  // kReplacementCharacter if the bytes are invalid
  int length_bytes = 0;     // bytes consumed, at least 1
  bool valid = false;
};

// DecodeUtf8 for any bytes.
DecodedChar DecodeUtf8Sequence(std::string_view text, std::size_t offset);

// Decodes the character at `text[offset]`. An invalid sequence consumes its maximal valid prefix,
// at least one byte. Requires: offset < text.size(). Inline for valid characters of up to three
// bytes: scanners call it for each.
[[gnu::always_inline]] inline DecodedChar DecodeUtf8(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(text[offset + i]);
  };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t left = text.size() - offset;
  if ((first & 0xF0) == 0xE0 && left >= 3) {
    const char32_t second = byte(1) ^ 0x80;
    const char32_t third = byte(2) ^ 0x80;
    const char32_t c = ((first & 0xF) << 12) | (second << 6) | third;
    const bool is_surrogate = c - 0xD800 < 0x800;
    if ((second | third) < 0x40 && c >= 0x800 && !is_surrogate) return {c, 3, true};
  } else if (first - 0xC2 < 0x1E && left >= 2) {
    const char32_t second = byte(1) ^ 0x80;
    if (second < 0x40) return {((first & 0x1F) << 6) | second, 2, true};
  } else if (first < 0xC2) {
    return {kReplacementCharacter, 1, false};
  }
  return DecodeUtf8Sequence(text, offset);
}

// Length of the byte order mark that `text` begins with: 3, or 0 if there is none. A mark stays in
// the text, so that offsets are those of the file, but is nobody's content.
constexpr std::size_t ByteOrderMarkBytes(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

// Offset of the first invalid byte, or text.size() if all of `text` is valid UTF-8.
std::size_t FindInvalidUtf8(std::string_view text);

// True for the second and later bytes of a character.
constexpr bool IsUtf8Continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u;
}

// Offset of the character that ends at `end`. Requires: 0 < end <= text.size(), valid UTF-8.
constexpr std::size_t PreviousUtf8Offset(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (at > 0 && IsUtf8Continuation(text[at])) --at;
  return at;
}

// Characters of `text`: bytes that are no continuation. Requires: valid UTF-8.
std::size_t CountUtf8Characters(std::string_view text);

// True if `text` is one character, or one invalid byte sequence.
inline bool IsOneCharacter(std::string_view text) {
  return !text.empty() && DecodeUtf8(text, 0).length_bytes == static_cast<int>(text.size());
}

// Number of bytes at the end of `text` that begin a character but do not complete it: what a
// stream has to hold back. 0 to 3.
std::size_t IncompleteUtf8Suffix(std::string_view text);

// Appends `code_point` as UTF-8. Requires: a scalar value (no surrogate, at most U+10FFFF).
void AppendUtf8(char32_t code_point, std::string& out);

// `text` with each invalid sequence replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace quire
