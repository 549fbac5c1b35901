#include "kernels/cuda/attention_work.h"

#include <algorithm>

namespace quire::kernels::cuda {
namespace {

std::int32_t LastPosition(const RowTile& tile, std::int32_t group) {
  return tile.first_position + (tile.first_row + tile.rows - 1) / group;
}

void AppendSplits(const RowTile& tile, std::int32_t num_keys, AttentionWork& work) {
  const std::size_t first = work.splits.size();
  for (std::int32_t begin = 0; begin < num_keys; begin = SplitEnd(begin)) {
    work.splits.push_back({.tile = tile,
                           .key_begin = begin,
                           .key_end = std::min(SplitEnd(begin), num_keys),
                           .split = static_cast<std::int32_t>(work.splits.size() - first),
                           .first_partial = work.num_partials,
                           .counter = work.num_counters});
  }
  const auto num_splits = static_cast<std::int32_t>(work.splits.size() - first);
  for (std::size_t i = first; i < work.splits.size(); ++i) work.splits[i].num_splits = num_splits;
  // A single split is the result.
  if (num_splits > 1) {
    work.num_partials += num_splits;
    ++work.num_counters;
  }
}

}  // namespace

AttentionWork MakeAttentionWork(const AttentionBatch& batch, std::int32_t tile_rows) {
  AttentionWork work;
  const std::int32_t group = batch.num_heads / batch.num_kv_heads;
  for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
    const std::int32_t query_begin = batch.query.data[s];
    const std::int32_t query_len = batch.query.data[s + 1] - query_begin;
    const std::int32_t num_rows = query_len * group;
    const bool is_split = query_len == 1 || num_rows <= kMaxSplitRows;
    const std::int32_t step = is_split ? kRowsPerWarp : tile_rows;
    for (std::int32_t row = 0; row < num_rows; row += step) {
      const RowTile tile = {.sequence = s,
                            .query_begin = query_begin,
                            .first_position = batch.kv_lens[s] - query_len,
                            .first_row = row,
                            .rows = std::min(step, num_rows - row)};
      if (is_split) {
        AppendSplits(tile, LastPosition(tile, group) + 1, work);
      } else {
        work.tiles.push_back(tile);
      }
    }
  }
  // Long work first: what is short fills the gaps at the end.
  std::stable_sort(work.tiles.begin(), work.tiles.end(), [&](const RowTile& a, const RowTile& b) {
    return LastPosition(a, group) > LastPosition(b, group);
  });
  std::stable_sort(work.splits.begin(), work.splits.end(),
                   [](const SplitTile& a, const SplitTile& b) {
                     return a.key_end - a.key_begin > b.key_end - b.key_begin;
                   });
  return work;
}

}  // namespace quire::kernels::cuda
