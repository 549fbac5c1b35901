#pragma once

#include <cstdint>

// What the work list of paged attention says to one block or one warp; see attention_work.h. Read
// by the host and by kernels.

namespace quire::kernels::cuda {

// Tuned numbers, one place for every architecture: none has been measured on a GPU.

// Positions of a split: `kFirstSplit` below 32 of them, then 16 splits for each doubling of the
// position. So 4096 tokens are 16 splits, enough warps for a batch of one with 8 key heads, and
// 131,072 are 96, few enough to join.
inline constexpr std::int32_t kFirstSplit = 256;
// A sequence with one new token or at most this many packed rows is split over warps, 16 rows each;
// above it blocks take tiles of rows and all of their keys.
inline constexpr std::int32_t kMaxSplitRows = 32;
inline constexpr std::int32_t kRowsPerWarp = 16;

// Where the split of `position` ends.
constexpr std::int32_t SplitEnd(std::int32_t position) {
  std::int32_t size = kFirstSplit;
  for (std::int64_t begin = 32 * kFirstSplit; position >= begin; begin *= 2) size *= 2;
  return position - position % size + size;
}

// Packed rows [first_row, first_row + rows) of one sequence. As kernels read it.
struct RowTile {
  std::int32_t sequence = 0;        // row of the block table
  std::int32_t query_begin = 0;     // its first new token in the batch
  std::int32_t first_position = 0;  // where that token stands
  std::int32_t first_row = 0;
  std::int32_t rows = 0;
};
// The same rows against one split of the keys.
struct SplitTile {
  RowTile tile;
  std::int32_t key_begin = 0;
  std::int32_t key_end = 0;
  std::int32_t split = 0;
  std::int32_t num_splits = 0;     // of these rows
  std::int32_t first_partial = 0;  // of split 0; the others follow
  std::int32_t counter = 0;        // counts the splits that are done
};

}  // namespace quire::kernels::cuda
