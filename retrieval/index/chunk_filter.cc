#include "retrieval/index/chunk_filter.h"

#include <algorithm>
#include <utility>

namespace quire::retrieval {

ChunkFilter::ChunkFilter(std::vector<Range> ranges) : ranges_(std::move(ranges)) {
  std::ranges::sort(ranges_, {}, &Range::first);
}

bool ChunkFilter::Contains(ChunkId chunk) const {
  const auto after = std::ranges::upper_bound(ranges_, chunk, {}, &Range::first);
  if (after == ranges_.begin()) return false;
  const Range& range = *std::prev(after);
  return ToNumber(chunk) - ToNumber(range.first) < range.count;
}

}  // namespace quire::retrieval
