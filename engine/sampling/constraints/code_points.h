#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace quire::engine::constraints {

// A set of Unicode scalar values: all code points but surrogates. Immutable.
class CodePointSet {
 public:
  struct Range {
    char32_t first = 0;
    char32_t last = 0;  // inclusive

    bool operator==(const Range&) const = default;
  };

  CodePointSet() = default;
  // The union of `ranges`, in any order, without surrogates and what is above U+10FFFF.
  // Requires: first <= last in each.
  explicit CodePointSet(std::vector<Range> ranges);
  static CodePointSet All() { return CodePointSet({{0, 0x10FFFF}}); }

  CodePointSet Complement() const;
  CodePointSet Without(const CodePointSet& other) const;
  CodePointSet And(const CodePointSet& other) const;

  bool Contains(char32_t c) const;
  bool empty() const { return ranges_.empty(); }
  // In ascending order; no two touch.
  std::span<const Range> ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

struct ByteRange {
  std::uint8_t first = 0;
  std::uint8_t last = 0;  // inclusive

  bool operator==(const ByteRange&) const = default;
};

// A set of characters of equal length: byte i is anything in bytes[i].
struct Utf8Sequence {
  std::array<ByteRange, 4> bytes;
  int length = 0;
};

// The characters of `range` as sequences of byte ranges; no character is in two. Requires: no
// surrogates.
std::vector<Utf8Sequence> Utf8Sequences(CodePointSet::Range range);

}  // namespace quire::engine::constraints
