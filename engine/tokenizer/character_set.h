#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <utility>
#include <vector>

namespace quire::engine {

// Code points. The basic multilingual plane is a table, since nearly all text is in it.
class CharacterSet {
 public:
  // The characters of the basic multilingual plane that pass `test`, and none beyond it.
  template <typename Test>
  static CharacterSet OfBasicPlane(Test test) {
    CharacterSet set;
    for (char32_t c = 0; c < kTableSize; ++c) set.table_[c] = test(c);
    return set;
  }

  // [first, last].
  void Add(char32_t first, char32_t last) {
    for (char32_t c = first; c <= std::min<char32_t>(last, kTableSize - 1); ++c) table_.set(c);
    if (last >= kTableSize) ranges_.emplace_back(first, last);
  }
  bool Contains(char32_t c) const {
    if (c < kTableSize) return table_.test(c);
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [c](const auto& range) { return c >= range.first && c <= range.second; });
  }

 private:
  static constexpr std::size_t kTableSize = 0x10000;

  std::bitset<kTableSize> table_;
  std::vector<std::pair<char32_t, char32_t>> ranges_;  // those that reach beyond it
};

}  // namespace quire::engine
