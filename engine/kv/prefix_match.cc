#include "engine/kv/prefix_match.h"

#include "engine/kv/block_table.h"

namespace quire::engine {

PrefixMatch FindPrefix(std::span<const BlockKey> keys, std::int32_t window,
                       const BlockAllocator& allocator) {
  const std::int64_t block_size = allocator.block_size();
  std::vector<BlockId> found;  // of each key; kNoBlock where there is none
  std::int64_t gap_end = 0;    // no gap from here on
  std::int64_t begin = 0;      // of the best match so far
  std::int64_t end = 0;
  for (const BlockKey& key : keys) {
    found.push_back(allocator.Find(key).value_or(kNoBlock));
    const auto num_blocks = static_cast<std::int64_t>(found.size());
    if (found.back() == kNoBlock) {
      gap_end = num_blocks;
      if (window == 0) break;
      continue;
    }
    const std::int64_t first = FirstVisible(num_blocks * block_size, window) / block_size;
    if (first < gap_end) continue;
    begin = first;
    end = num_blocks;
  }
  return {.num_absent = begin, .blocks = {found.begin() + begin, found.begin() + end}};
}

}  // namespace quire::engine
