#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace quire::engine {

// How early a merge can reach over a place in a word: the lowest rank of all merges whose left
// token ends with the byte before the place and whose right token begins with the byte behind it. A
// bound: the tokens that meet there may merge later or not at all.
//
// Two neighbours of a lower rank than the bounds at both of their outer ends merge before either
// takes part in another merge, so a model may join them at once and in any order. Where nothing
// reaches over, what lies on both sides does not depend on each other.
class BoundaryRanks {
 public:
  // Nothing reaches over the place.
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  BoundaryRanks() : ranks_(kBytes * kBytes, kNever) {}

  // Requires: neither text is empty.
  void Add(std::string_view left, std::string_view right, std::uint32_t rank) {
    std::uint32_t& least = ranks_[Index(left.back(), right.front())];
    least = std::min(least, rank);
  }
  std::uint32_t Over(char before, char behind) const { return ranks_[Index(before, behind)]; }

 private:
  static constexpr std::size_t kBytes = 256;

  static std::size_t Index(char before, char behind) {
    return static_cast<unsigned char>(before) * kBytes + static_cast<unsigned char>(behind);
  }

  std::vector<std::uint32_t> ranks_;  // [byte before][byte behind]
};

}  // namespace quire::engine
