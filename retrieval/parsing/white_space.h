#pragma once

#include <cstddef>
#include <string_view>

namespace quire::retrieval {

// White_Space of the Unicode character database.
bool IsWhiteSpace(char32_t c);

// A byte range [start, end) of a text.
struct ByteRange {
  std::size_t start = 0;
  std::size_t end = 0;
  bool empty() const { return start == end; }
};

// `range` without the white space at its ends, or a byte order mark at the start of the text.
// Requires: valid UTF-8, `range` on character boundaries.
ByteRange TrimWhiteSpace(std::string_view text, ByteRange range);

}  // namespace quire::retrieval
