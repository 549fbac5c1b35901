#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/sampling/constraints/code_points.h"

// The lexical part of regular expressions: characters, escapes and bracketed classes.

namespace quire::engine::constraints {

// A position in a pattern. Borrows it.
class RegexReader {
 public:
  // Requires: valid UTF-8.
  explicit RegexReader(std::string_view pattern) : pattern_(pattern) {}

  bool at_end() const { return offset_ == pattern_.size(); }
  std::size_t offset() const { return offset_; }
  // Goes back to an earlier offset().
  void Return(std::size_t offset) { offset_ = offset; }

  // The next byte. Requires: not at_end().
  char Peek() const { return pattern_[offset_]; }
  // Reads the next byte if it is `c`.
  bool Take(char c);
  // Reads a whole character. Requires: not at_end().
  char32_t TakeCharacter();
  // Reads decimal digits; a number that no limit allows if there are too many. Nothing, and nothing
  // read, if there are none.
  std::optional<std::int32_t> TakeNumber();
  // Reads exactly `count` hexadecimal digits, or nothing.
  std::optional<char32_t> TakeHex(int count);

  // INVALID_ARGUMENT "byte N: `what`", about what comes next.
  Status Error(std::string_view what) const { return ErrorAt(offset_, what); }
  static Status ErrorAt(std::size_t offset, std::string_view what);

 private:
  std::string_view pattern_;
  std::size_t offset_ = 0;
};

// The characters that an escape stands for. The reader is at its '\'; `in_class` inside brackets.
StatusOr<CodePointSet> ParseEscape(RegexReader& reader, bool in_class);

// The characters of "[...]" or "[^...]". The reader is at the '['.
StatusOr<CodePointSet> ParseClass(RegexReader& reader);

}  // namespace quire::engine::constraints
