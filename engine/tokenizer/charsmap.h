#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::engine {

// The replacement rules of a SentencePiece model, its "precompiled_charsmap": texts of a few bytes,
// in a double array, and what each becomes.
// Format: u32 size of the array in bytes, the array of u32 units, then the replacements, each with
// a zero byte at its end; all little-endian. A unit holds the byte that leads to it (bits 0-7 and
// 31), whether a rule ends there (bit 8), and the offset of its children (bits 10-30, times 256 if
// bit 9 is set); the unit of a rule's end holds the place of the replacement (bits 0-30) and has
// bit 31 set. Source: Yata, Darts-clone; SentencePiece, normalizer.cc.
//
// Thread-safe: immutable.
class Charsmap {
 public:
  struct Rule {
    std::size_t length_bytes = 0;  // of the text that is replaced; 0: there is no rule
    std::string_view replacement;  // valid UTF-8, borrowed from the map
  };

  // Reads a map; an empty one has no rules. INVALID_ARGUMENT starting with `place` if a size or a
  // place of a replacement is out of range, or the replacements are no UTF-8.
  static StatusOr<Charsmap> Parse(std::string_view bytes, std::string_view place);

  // The longest rule for a text that begins at text[at], as SentencePiece applies it.
  Rule FindLongest(std::string_view text, std::size_t at) const;
  // The shortest one, as Hugging Face applies it.
  Rule FindShortest(std::string_view text, std::size_t at) const;
  // False if no rule begins with `byte`.
  bool CanStartWith(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }

 private:
  Status CheckReplacements(std::string_view place) const;
  // Calls `visit(rule)` for each rule at text[at], the shortest first, until it returns false.
  template <typename Visit>
  void ForEachAt(std::string_view text, std::size_t at, Visit visit) const;
  std::string_view Replacement(std::uint32_t unit) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::array<bool, 256> starts_{};
};

}  // namespace quire::engine
