#include "retrieval/parsing/white_space.h"

#include <algorithm>

#include "base/utf8.h"

namespace quire::retrieval {

bool IsWhiteSpace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

ByteRange TrimWhiteSpace(std::string_view text, ByteRange range) {
  if (range.start == 0) range.start = std::min(ByteOrderMarkBytes(text), range.end);
  while (!range.empty()) {
    const DecodedChar first = DecodeUtf8(text, range.start);
    if (!IsWhiteSpace(first.code_point)) break;
    range.start += static_cast<std::size_t>(first.length_bytes);
  }
  while (!range.empty()) {
    const std::size_t last = PreviousUtf8Offset(text, range.end);
    if (!IsWhiteSpace(DecodeUtf8(text, last).code_point)) break;
    range.end = last;
  }
  return range;
}

}  // namespace quire::retrieval
