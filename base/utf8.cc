#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace quire {
namespace {

// Length that a lead byte promises and the range its second byte must be in; 0 if no lead byte.
struct Lead {
  int length_bytes;
  unsigned char second_low;
  unsigned char second_high;
};

Lead ClassifyLead(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// The next eight bytes are there and all ASCII.
bool IsAsciiBlock(std::string_view text, std::size_t offset) {
  std::uint64_t block = 0;
  if (text.size() - offset < sizeof(block)) return false;
  std::memcpy(&block, text.data() + offset, sizeof(block));
  return (block & 0x8080808080808080u) == 0;
}

}  // namespace

DecodedChar DecodeUtf8Sequence(std::string_view text, std::size_t offset) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const std::size_t left = text.size() - offset;
  const Lead lead = ClassifyLead(byte(0));
  if (lead.length_bytes == 1) return {byte(0), 1, true};
  if (lead.length_bytes == 0) return {kReplacementCharacter, 1, false};
  if (left < 2 || byte(1) < lead.second_low || byte(1) > lead.second_high) {
    return {kReplacementCharacter, 1, false};
  }
  char32_t code_point = byte(0) & (0x7Fu >> lead.length_bytes);
  code_point = (code_point << 6) | (byte(1) & 0x3Fu);
  for (int i = 2; i < lead.length_bytes; ++i) {
    const auto index = static_cast<std::size_t>(i);
    if (index >= left || !IsUtf8Continuation(text[offset + index])) {
      return {kReplacementCharacter, i, false};
    }
    code_point = (code_point << 6) | (byte(index) & 0x3Fu);
  }
  return {code_point, lead.length_bytes, true};
}

std::size_t FindInvalidUtf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    if (IsAsciiBlock(text, offset)) {
      offset += sizeof(std::uint64_t);
      continue;
    }
    const DecodedChar decoded = DecodeUtf8(text, offset);
    if (!decoded.valid) return offset;
    offset += static_cast<std::size_t>(decoded.length_bytes);
  }
  return text.size();
}

std::size_t IncompleteUtf8Suffix(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const char byte = text[text.size() - back];
    if (IsUtf8Continuation(byte)) continue;
    const Lead lead = ClassifyLead(static_cast<unsigned char>(byte));
    if (lead.length_bytes <= static_cast<int>(back)) return 0;
    // The bytes so far must be a valid prefix, otherwise they are an error and not unfinished.
    const DecodedChar decoded = DecodeUtf8(text, text.size() - back);
    return decoded.length_bytes == static_cast<int>(back) ? back : 0;
  }
  return 0;
}

std::size_t CountUtf8Characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !IsUtf8Continuation(c); }));
}

void AppendUtf8(char32_t code_point, std::string& out) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

namespace {

constexpr std::string_view kReplacement = "\uFFFD";
constexpr std::size_t kMostBytes = 4;  // of a character

// What a byte becomes that stands alone: ASCII stays, all else is replaced. Before a continuation a
// byte that can lead does not stand alone.
struct LoneByte {
  std::array<char, kMostBytes> bytes{};
  std::uint8_t length = 0;
  bool can_lead = false;
};

constexpr auto kLoneBytes = [] {
  std::array<LoneByte, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    if (byte < 0x80) {
      table[byte] = {.bytes = {static_cast<char>(byte)}, .length = 1};
    } else {
      table[byte] = {.bytes = {kReplacement[0], kReplacement[1], kReplacement[2]},
                     .length = 3,
                     .can_lead = byte >= 0xC2 && byte <= 0xF4};
    }
  }
  return table;
}();

}  // namespace

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t offset = FindInvalidUtf8(text);
  out.append(text, 0, offset);
  // Through a buffer, and without a branch for most bytes: where invalid ones are many, an append
  // or a wrong guess for each costs more than the bytes.
  std::array<char, 1024> buffer;
  std::size_t filled = 0;
  while (offset < text.size()) {
    if (filled + kMostBytes > buffer.size()) {
      out.append(buffer.data(), filled);
      filled = 0;
    }
    const LoneByte& lone = kLoneBytes[static_cast<unsigned char>(text[offset])];
    std::memcpy(buffer.data() + filled, lone.bytes.data(), kMostBytes);
    // At the end the byte itself: no lead byte is a continuation.
    const char next = text[std::min(offset + 1, text.size() - 1)];
    // One branch for both, which is seldom taken: a lead byte alone is as likely as not.
    if (!(lone.can_lead & IsUtf8Continuation(next))) {
      filled += lone.length;
      ++offset;
      continue;
    }
    const DecodedChar decoded = DecodeUtf8(text, offset);
    const auto length = static_cast<std::size_t>(decoded.length_bytes);
    const std::string_view bytes = decoded.valid ? text.substr(offset, length) : kReplacement;
    filled += bytes.copy(buffer.data() + filled, kMostBytes);
    offset += length;
  }
  out.append(buffer.data(), filled);
  return out;
}

}  // namespace quire
