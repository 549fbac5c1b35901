#pragma once

#include <cstddef>
#include <limits>
#include <string_view>

#include "base/utf8.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine {

// A character of a text with its classes; the end of the text has neither length nor class.
struct Character {
  char32_t code_point = 0;
  std::size_t length = 0;
  CharClasses classes = 0;

  bool Is(CharClasses wanted) const { return (classes & wanted) != 0; }
};

// Looks at a text character by character, for scanners that stand in for regular expressions.
class ScanCursor {
 public:
  explicit ScanCursor(std::string_view text) : text_(text) {}

  Character At(std::size_t offset) const {
    if (offset >= text_.size()) return {};
    const auto byte = static_cast<unsigned char>(text_[offset]);
    if (byte < 128) return {byte, 1, Classify(byte)};
    const DecodedChar c = DecodeUtf8(text_, offset);
    return {c.code_point, static_cast<std::size_t>(c.length_bytes), Classify(c.code_point)};
  }

  // The end of the longest run of characters of `classes` from `offset`, of at most `limit`.
  std::size_t SkipRun(std::size_t offset, CharClasses classes,
                      std::size_t limit = std::numeric_limits<std::size_t>::max()) const {
    for (; limit > 0 && offset < text_.size(); --limit) {
      const DecodedChar c = DecodeUtf8(text_, offset);
      if ((Classify(c.code_point) & classes) == 0) break;
      offset += static_cast<std::size_t>(c.length_bytes);
    }
    return offset;
  }
  // The same for characters of none of `classes`.
  std::size_t SkipOthers(std::size_t offset, CharClasses classes) const {
    while (offset < text_.size()) {
      const DecodedChar c = DecodeUtf8(text_, offset);
      if ((Classify(c.code_point) & classes) != 0) break;
      offset += static_cast<std::size_t>(c.length_bytes);
    }
    return offset;
  }

  std::size_t size() const { return text_.size(); }

 private:
  std::string_view text_;
};

}  // namespace quire::engine
