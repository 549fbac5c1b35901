#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::engine {

// The pieces of a vocabulary by their bytes, to find all that stand at a place: one memory access
// for each byte of the longest. Immutable once built, unlike TokenTrie, which is for a handful.
// Source: Aoe 1989, "An efficient digital search algorithm by using a double-array structure"; the
// children of a node lie at base XOR byte, as in Yata's Darts-clone.
class PieceTrie {
 public:
  PieceTrie() = default;
  // A text twice keeps its last value; an empty text is left out. Requires: values of at least 0.
  explicit PieceTrie(std::vector<std::pair<std::string_view, std::int32_t>> entries);

  // Calls `visit(value, length_bytes)` for every piece that stands at text[at], the shortest first.
  template <typename Visit>
  void ForEachAt(std::string_view text, std::size_t at, Visit visit) const {
    if (units_.empty()) return;
    std::uint32_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      const std::uint32_t child = units_[node].base ^ static_cast<unsigned char>(text[i]);
      if (units_[child].parent != node) return;
      node = child;
      if (units_[node].value >= 0) visit(units_[node].value, i + 1 - at);
    }
  }

 private:
  static constexpr std::uint32_t kNoParent = UINT32_MAX;
  static constexpr std::int32_t kNoValue = -1;

  struct Unit {
    std::uint32_t base = 0;            // never beyond the array, whatever byte comes in
    std::uint32_t parent = kNoParent;  // of a node in use; none is the root's
    std::int32_t value = kNoValue;
  };
  class Builder;

  std::vector<Unit> units_;  // the root first; in blocks of 256, in which base XOR byte stays
};

}  // namespace quire::engine
