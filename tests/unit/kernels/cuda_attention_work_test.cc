#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "kernels/cuda/attention_work.h"

namespace quire::kernels::cuda {
namespace {

constexpr std::int32_t kTileRows = 128;

struct Batch {
  Batch(std::vector<std::int32_t> queries, std::vector<std::int32_t> kv, std::int32_t group)
      : cu_seqlens{0}, kv_lens(std::move(kv)) {
    for (std::int32_t n : queries) cu_seqlens.push_back(cu_seqlens.back() + n);
    view = {.query = {.data = cu_seqlens.data(),
                      .num_sequences = static_cast<std::int32_t>(queries.size())},
            .kv_lens = kv_lens.data(),
            .num_heads = 2 * group,
            .num_kv_heads = 2};
  }
  std::vector<std::int32_t> cu_seqlens;
  std::vector<std::int32_t> kv_lens;
  AttentionBatch view;
};

TEST(AttentionWorkTest, SplitsCoverPositionsAndGrowWithThem) {
  std::int32_t size = 0;
  std::int32_t splits = 0;
  std::map<std::int32_t, std::int32_t> splits_below;
  for (std::int32_t begin = 0; begin < (1 << 20); ++splits) {
    splits_below[begin] = splits;
    const std::int32_t end = SplitEnd(begin);
    EXPECT_GE(end - begin, size);
    size = end - begin;
    EXPECT_EQ(begin % size, 0);
    EXPECT_EQ(SplitEnd(end - 1), end);
    EXPECT_EQ(SplitEnd(begin + size / 2), end);
    begin = end;
  }
  EXPECT_EQ(splits_below.at(4096), 16);
  EXPECT_EQ(splits_below.at(8192), 32);
  EXPECT_EQ(splits_below.at(16384), 48);
  EXPECT_EQ(splits_below.at(131072), 96);
}

// Every (sequence, row) is in one tile, or in split tiles whose keys are all that it may see.
void ExpectCovered(const Batch& batch, std::int32_t group) {
  const AttentionWork work = MakeAttentionWork(batch.view, kTileRows);
  std::map<std::pair<std::int32_t, std::int32_t>, int> taken;
  const auto take = [&](const RowTile& tile) {
    ASSERT_EQ(tile.query_begin, batch.cu_seqlens[static_cast<std::size_t>(tile.sequence)]);
    for (std::int32_t r = 0; r < tile.rows; ++r) {
      ++taken[{tile.sequence, tile.first_row + r}];
      const std::int32_t token = (tile.first_row + r) / group;
      const auto s = static_cast<std::size_t>(tile.sequence);
      const std::int32_t query_len = batch.cu_seqlens[s + 1] - batch.cu_seqlens[s];
      ASSERT_LT(token, query_len);
      ASSERT_EQ(tile.first_position + query_len, batch.kv_lens[s]);
    }
  };
  for (const RowTile& tile : work.tiles) {
    EXPECT_LE(tile.rows, kTileRows);
    take(tile);
  }
  std::map<std::pair<std::int32_t, std::int32_t>, std::vector<SplitTile>> by_tile;
  for (const SplitTile& split : work.splits) {
    by_tile[{split.tile.sequence, split.tile.first_row}].push_back(split);
  }
  std::set<std::int32_t> partials;
  std::set<std::int32_t> counters;
  for (auto& [key, splits] : by_tile) {
    std::sort(splits.begin(), splits.end(),
              [](const SplitTile& a, const SplitTile& b) { return a.split < b.split; });
    take(splits.front().tile);
    EXPECT_LE(splits.front().tile.rows, kRowsPerWarp);
    std::int32_t end = 0;
    for (std::size_t i = 0; i < splits.size(); ++i) {
      EXPECT_EQ(splits[i].split, static_cast<std::int32_t>(i));
      EXPECT_EQ(splits[i].num_splits, static_cast<std::int32_t>(splits.size()));
      EXPECT_EQ(splits[i].key_begin, end);
      end = splits[i].key_end;
      EXPECT_EQ(splits[i].first_partial, splits[0].first_partial);
      EXPECT_EQ(splits[i].counter, splits[0].counter);
      if (splits.size() > 1) {
        EXPECT_TRUE(partials.insert(splits[i].first_partial + splits[i].split).second);
      }
    }
    if (splits.size() > 1) {
      EXPECT_TRUE(counters.insert(splits[0].counter).second);
    }
    const RowTile& tile = splits[0].tile;
    EXPECT_EQ(end, tile.first_position + (tile.first_row + tile.rows - 1) / group + 1);
  }
  EXPECT_EQ(static_cast<std::int32_t>(partials.size()), work.num_partials);
  EXPECT_EQ(static_cast<std::int32_t>(counters.size()), work.num_counters);
  const auto largest = [](const auto& set) { return set.empty() ? -1 : *set.rbegin(); };
  EXPECT_EQ(largest(partials), work.num_partials - 1);
  EXPECT_EQ(largest(counters), work.num_counters - 1);

  std::size_t rows = 0;
  for (std::size_t s = 0; s < batch.kv_lens.size(); ++s) {
    rows += static_cast<std::size_t>((batch.cu_seqlens[s + 1] - batch.cu_seqlens[s]) * group);
  }
  EXPECT_EQ(taken.size(), rows);
  for (const auto& [row, times] : taken) EXPECT_EQ(times, 1);
}

TEST(AttentionWorkTest, EveryRowIsTakenOnceWithAllItsKeys) {
  for (std::int32_t group : {1, 3, 4, 8, 71}) {
    ExpectCovered(Batch({1, 700, 33, 5}, {5000, 700, 90, 131'072}, group), group);
  }
  std::mt19937 random(1);
  for (int i = 0; i < 30; ++i) {
    std::vector<std::int32_t> queries;
    std::vector<std::int32_t> kv_lens;
    for (unsigned s = 0; s < 1 + random() % 8; ++s) {
      queries.push_back(1 + static_cast<std::int32_t>(random() % (random() % 2 == 0 ? 8 : 600)));
      kv_lens.push_back(queries.back() + static_cast<std::int32_t>(random() % 20'000));
    }
    const auto group = static_cast<std::int32_t>(1 + random() % 9);
    ExpectCovered(Batch(queries, kv_lens, group), group);
  }
}

TEST(AttentionWorkTest, FewRowsAreSplitAndManyAreNot) {
  const AttentionWork decode = MakeAttentionWork(Batch({1}, {4096}, 4).view, kTileRows);
  EXPECT_EQ(decode.splits.size(), 16u);
  EXPECT_TRUE(decode.tiles.empty());
  const AttentionWork large_group = MakeAttentionWork(Batch({1}, {4096}, 71).view, kTileRows);
  EXPECT_EQ(large_group.splits.size(), 5u * 16u);
  const AttentionWork prefill = MakeAttentionWork(Batch({512}, {4096}, 4).view, kTileRows);
  EXPECT_EQ(prefill.tiles.size(), 16u);
  EXPECT_TRUE(prefill.splits.empty());
}

TEST(AttentionWorkTest, LongWorkComesFirst) {
  const AttentionWork work =
      MakeAttentionWork(Batch({300, 1, 1}, {300, 90, 9000}, 4).view, kTileRows);
  EXPECT_EQ(work.tiles.front().first_row, 1152);
  EXPECT_EQ(work.tiles.back().first_row, 0);
  EXPECT_EQ(work.splits.front().key_end - work.splits.front().key_begin, 512);
  EXPECT_EQ(work.splits.back().tile.sequence, 1);
}

}  // namespace
}  // namespace quire::kernels::cuda
