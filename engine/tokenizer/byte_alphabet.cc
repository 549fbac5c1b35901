#include "engine/tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace quire::engine {
namespace {

constexpr std::size_t kAlphabetEnd = 0x100 + 68;
constexpr std::int16_t kNoByte = -1;

constexpr bool StandsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::int16_t, kAlphabetEnd> ByteOfCharacter() {
  std::array<std::int16_t, kAlphabetEnd> bytes{};
  std::size_t next = 0x100;
  for (int byte = 0; byte < 0x100; ++byte) {
    bytes[static_cast<std::size_t>(byte)] = kNoByte;
  }
  for (int byte = 0; byte < 0x100; ++byte) {
    const std::size_t c = StandsForItself(byte) ? static_cast<std::size_t>(byte) : next++;
    bytes[c] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr std::array<std::int16_t, kAlphabetEnd> kByteOfCharacter = ByteOfCharacter();

// A character of the alphabet takes one or two bytes.
struct Spelling {
  std::array<char, 2> bytes{};
  std::uint8_t size = 0;
};

constexpr std::array<Spelling, 0x100> SpellingOfByte() {
  std::array<Spelling, 0x100> spellings{};
  for (std::size_t c = 0; c < kAlphabetEnd; ++c) {
    if (kByteOfCharacter[c] == kNoByte) continue;
    Spelling& spelling = spellings[static_cast<std::size_t>(kByteOfCharacter[c])];
    if (c < 0x80) {
      spelling = {{static_cast<char>(c), 0}, 1};
    } else {
      spelling = {{static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))}, 2};
    }
  }
  return spellings;
}

constexpr std::array<Spelling, 0x100> kSpellingOfByte = SpellingOfByte();

}  // namespace

std::string_view SpellByte(unsigned char byte) {
  const Spelling& spelling = kSpellingOfByte[byte];
  return {spelling.bytes.data(), spelling.size};
}

std::optional<std::string> BytesFromAlphabet(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = DecodeUtf8(text, at);
    if (c.code_point >= kAlphabetEnd || kByteOfCharacter[c.code_point] == kNoByte) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kByteOfCharacter[c.code_point]));
    at += static_cast<std::size_t>(c.length_bytes);
  }
  return bytes;
}

}  // namespace quire::engine
