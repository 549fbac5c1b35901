#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/attention_rows.h"
#include "kernels/paged_attention.h"

// The work list of paged attention: what one block or one warp does. Made on the host once per
// step, without CUDA, and read by the kernels.
//
// Heads that share a key head are packed: row r of a sequence with `group` heads per key head is
// head r % group of its new token r / group. The keys of a sequence fall into splits by position
// alone. Each row is attended split by split, and the splits are joined in order, whether one block
// goes through them or a warp each: so a row has the same bits in any batch and any chunk.

namespace quire::kernels::cuda {

struct AttentionWork {
  std::vector<RowTile> tiles;     // those with the most keys first
  std::vector<SplitTile> splits;  // the largest first
  std::int32_t num_partials = 0;  // per key head, 16 rows each
  std::int32_t num_counters = 0;  // per key head
};

// `tile_rows`: of a block, a multiple of 16.
AttentionWork MakeAttentionWork(const AttentionBatch& batch, std::int32_t tile_rows);

}  // namespace quire::kernels::cuda
