#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/microkernels.h"
#include "kernels/tensor.h"

// The loop that paged and encoder attention share: a few query rows of one kv head over the keys
// they see.

namespace quire::kernels::cpu {

// Query rows of one tile: enough to pay for converting and transposing each tile of keys.
inline constexpr int kQueryRows = 48;

// Positions whose softmax is computed on its own and then merged, in order of position. Every query
// is split at the multiples of it, whoever computes the parts: so threads can share a long context
// without a change in the result.
inline constexpr int kSplitTokens = 512;

// Pointers to the keys and values of one tile of positions; null where nothing must be read.
struct KvRows {
  const void* keys[kAttentionTile];
  const void* values[kAttentionTile];
  // Where the rows are i8: their scales.
  const float* key_scales[kAttentionTile];
  const float* value_scales[kAttentionTile];
};

// The running softmax of query rows, over memory of somebody else.
struct SoftmaxState {
  float* out = nullptr;  // [rows, value_stride] sum of p v
  float* max = nullptr;  // [rows]
  float* sum = nullptr;  // [rows]

  static std::int64_t NumFloats(int rows, int value_stride) {
    return std::int64_t{rows} * (value_stride + 2);
  }
  static SoftmaxState At(float* memory, int rows, int value_stride);
  // No key seen yet.
  void Clear(int rows, int value_stride) const;
};

class QueryTile {
 public:
  // Floats from one head to the next in scratch memory: a whole number of vectors of any
  // instruction set.
  static int ValueStride(int head_dim) { return (head_dim + 15) / 16 * 16; }
  static std::int64_t ScratchFloats(int head_dim);

  // `dtype`: of the keys and values. `scratch`: ScratchFloats(head_dim) floats, 64-byte
  // aligned. Requires num_rows in [1, kQueryRows].
  QueryTile(const Microkernels& kernels, DType dtype, int head_dim, int num_rows, float* scratch);

  // Scores s become soft_cap * tanh(s / soft_cap); 0: they stay.
  void set_soft_cap(float soft_cap) { soft_cap_ = soft_cap; }
  // Row `row` is `q` times `scale` and sees the positions [first, last).
  void SetRow(int row, const float* q, float scale, std::int32_t first, std::int32_t last);

  int first_split() const { return first_position_ / kSplitTokens; }
  int end_split() const { return (last_position_ + kSplitTokens - 1) / kSplitTokens; }

  // Computes the part of one split into `part`. `kv.FillRows(begin, end, rows)` must set the rows
  // of the positions [begin, end), at index position % kAttentionTile.
  template <typename Kv>
  void RunSplit(const Kv& kv, int split, const SoftmaxState& part) const {
    part.Clear(num_rows_, value_stride_);
    const int begin = std::max(split * kSplitTokens, first_position_);
    const int end = std::min((split + 1) * kSplitTokens, last_position_);
    KvRows rows = {};
    kv.FillRows(begin, std::min(NextTile(begin), end), rows);
    for (int position = begin; position < end; position = NextTile(position)) {
      LoadTile(rows);
      // The next tile is fetched while this one is computed: blocks are scattered, and a block is
      // too short for the hardware prefetcher.
      rows = {};
      const int next = NextTile(position);
      if (next < end) {
        kv.FillRows(next, std::min(NextTile(next), end), rows);
        Prefetch(rows);
      }
      ComputeTile(position - position % kAttentionTile, part);
    }
  }

  // Computes all splits and leaves the result for WriteRow.
  template <typename Kv>
  void Run(const Kv& kv) {
    for (int split = first_split(); split < end_split(); ++split) {
      RunSplit(kv, split, part_);
      Merge(part_);
    }
  }

  // Adds a part to the total. Parts must come in order of position.
  void Merge(const SoftmaxState& part);
  // Writes the attention output of one row, [head_dim].
  void WriteRow(int row, float* to) const;

 private:
  static int NextTile(int position) { return (position / kAttentionTile + 1) * kAttentionTile; }
  void LoadTile(const KvRows& rows) const;
  void Prefetch(const KvRows& rows) const;
  // The loaded keys and values stand at the positions from `tile` on.
  void ComputeTile(int tile, const SoftmaxState& part) const;

  const Microkernels& kernels_;
  const int element_;
  const int row_bytes_;  // of one key or value
  const int head_dim_;
  const int value_stride_;
  const int num_rows_;
  std::int32_t first_[kQueryRows];
  std::int32_t last_[kQueryRows];
  int first_position_;  // of all rows
  int last_position_ = 0;
  float soft_cap_ = 0.0f;

  float* keys_;
  float* values_;
  float* scores_;
  float* q_;
  SoftmaxState part_;
  SoftmaxState total_;
};

}  // namespace quire::kernels::cpu
