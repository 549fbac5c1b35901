#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kv/block_allocator.h"
#include "engine/kv/block_key.h"

namespace quire::engine {

// The part of a prompt that is in the cache already: blocks [num_absent, num_blocks()) of it, which
// is all that the next token sees.
struct PrefixMatch {
  std::int64_t num_absent = 0;  // blocks in front that the window of the model has left behind
  std::vector<BlockId> blocks;  // as they follow, without a reference for the caller

  std::int64_t num_blocks() const { return num_absent + static_cast<std::int64_t>(blocks.size()); }
};

// The longest prefix of the blocks named by `keys`, from the first on, whose next token finds every
// block it sees: all of them, or with a window of `window` tokens (0: none) those within it. What
// lies before may be gone: keys name the whole prefix, so the blocks within the window hold what
// they would if it were there.
PrefixMatch FindPrefix(std::span<const BlockKey> keys, std::int32_t window,
                       const BlockAllocator& allocator);

}  // namespace quire::engine
