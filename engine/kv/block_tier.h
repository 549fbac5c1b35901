#pragma once

#include "engine/kv/block_allocator.h"
#include "engine/kv/block_key.h"

namespace quire::engine {

// Where blocks with a key go when the cache hands them out again, to come back when a prefix needs
// them. A block may be gone from here at any time: what is asked for may not be there.
//
// Engine thread only.
class BlockTier {
 public:
  virtual ~BlockTier() = default;
  // Keeps what `block` holds under `key`. Called before the block is written again.
  virtual void Save(const BlockKey& key, BlockId block) = 0;
  // Fills `block` with what was saved under `key`, before the next step reads it. False, and the
  // block stays as it is, if that is not there.
  virtual bool Restore(const BlockKey& key, BlockId block) = 0;
  // Forgets everything.
  virtual void Clear() = 0;
};

}  // namespace quire::engine
