#pragma once

#include <cstdint>

#include "kernels/cpu/call_with_count-inl.h"
#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/soft_cap-inl.h"
#include "kernels/cpu/vec-inl.h"

// Source: Dao et al. 2022, "FlashAttention", algorithm 1: m is the running maximum of a row, l the
// running sum of p = exp(s - m), out the running sum of p v.
//
// A score adds the products of a head in order; a row adds p v key by key in order. How many rows
// or columns share a register tile changes neither, and a masked key adds an exact zero.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// Keys are kept transposed in panels of kPanel: [kAttentionTile / kPanel][head_dim][kPanel].
constexpr int kPanelVectors = 2;
constexpr int kPanel = kPanelVectors * VecF32::kLanes;
constexpr int kAttentionRows = VecF32::kRegisters == 32 ? 12 : (VecF32::kHasFma ? 6 : 4);

static_assert(kAttentionTile % kPanel == 0);

template <typename Element>
void LoadKeys(const void* const* rows, const float* scales, int head_dim, float* keys) {
  constexpr int kLanes = VecF32::kLanes;
  for (int key = 0; key < kAttentionTile; key += kLanes) {
    const void* any = nullptr;
    for (int i = 0; i < kLanes; ++i) any = rows[key + i] != nullptr ? rows[key + i] : any;
    if (any == nullptr) continue;
    float* const to = keys + (key / kPanel) * head_dim * kPanel + key % kPanel;
    for (int d = 0; d < head_dim; d += kLanes) {
      const int width = head_dim - d < kLanes ? head_dim - d : kLanes;
      VecF32 square[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const auto* row = static_cast<const typename Element::Storage*>(rows[key + i]);
        if (row == nullptr) {
          square[i] = VecF32::Zero();
        } else {
          square[i] =
              width == kLanes ? Element::Load(row + d) : Element::LoadPartial(row + d, width);
        }
      }
      VecF32::Transpose(square);
      if constexpr (Element::kScaled) {
        const VecF32 scale = VecF32::Load(scales + key);
        for (int i = 0; i < width; ++i) square[i] = square[i] * scale;
      }
      for (int i = 0; i < width; ++i) square[i].Store(to + (d + i) * kPanel);
    }
  }
}

template <typename Element>
void LoadValues(const void* const* rows, const float* scales, int head_dim, int value_stride,
                float* values) {
  constexpr int kLanes = VecF32::kLanes;
  for (int key = 0; key < kAttentionTile; ++key) {
    const auto* row = static_cast<const typename Element::Storage*>(rows[key]);
    if (row == nullptr) continue;
    const auto scaled = [&](VecF32 x) {
      if constexpr (Element::kScaled) return x * VecF32::Splat(scales[key]);
      return x;
    };
    float* const to = values + key * value_stride;
    int d = 0;
    for (; d + kLanes <= head_dim; d += kLanes) scaled(Element::Load(row + d)).Store(to + d);
    if (d < head_dim) {
      scaled(Element::LoadPartial(row + d, head_dim - d)).Store(to + d);
      d += kLanes;
    }
    for (; d < value_stride; d += kLanes) VecF32::Zero().Store(to + d);
  }
}

// Keys that some row of a register tile sees.
struct KeyRange {
  int begin;
  int end;
};

KeyRange UnionOfRanges(const std::int32_t* first, const std::int32_t* last, int rows) {
  KeyRange range = {kAttentionTile, 0};
  for (int r = 0; r < rows; ++r) {
    if (first[r] >= last[r]) continue;
    if (first[r] < range.begin) range.begin = first[r];
    if (last[r] > range.end) range.end = last[r];
  }
  return range;
}

// Vectors that few rows work on at a time, so that there are enough sums to hide the latency of a
// multiply-add.
constexpr int ColumnsFor(int rows) {
  int columns = kPanelVectors;
  while (2 * columns * rows <= kAttentionRows * kPanelVectors &&
         2 * columns <= kAttentionTile / VecF32::kLanes) {
    columns *= 2;
  }
  return columns;
}

// scores[r, panels] = q[r, :] . keys[panels], for kCols / kPanelVectors panels from `keys` on.
template <int kRows, int kCols>
void ScorePanels(const float* q, const float* keys, int head_dim, float* scores) {
  VecF32 sum[kRows][kCols];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) sum[r][c] = VecF32::Zero();
  }
  for (int d = 0; d < head_dim; ++d) {
    VecF32 k[kCols];
    for (int c = 0; c < kCols; ++c) {
      const float* panel = keys + (c / kPanelVectors) * head_dim * kPanel;
      k[c] = VecF32::Load(panel + d * kPanel + c % kPanelVectors * VecF32::kLanes);
    }
    for (int r = 0; r < kRows; ++r) {
      const VecF32 x = VecF32::Splat(q[r * head_dim + d]);
      for (int c = 0; c < kCols; ++c) sum[r][c] = VecF32::MulAdd(x, k[c], sum[r][c]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) {
      sum[r][c].Store(scores + r * kAttentionTile + c * VecF32::kLanes);
    }
  }
}

// Caps the scores of the keys [first, last), and whatever else is in the same vectors.
void CapRow(int first, int last, float soft_cap, float* scores) {
  const VecF32 cap = VecF32::Splat(soft_cap);
  for (int j = first - first % VecF32::kLanes; j < last; j += VecF32::kLanes) {
    SoftCapOf(VecF32::Load(scores + j), cap).Store(scores + j);
  }
}

// Turns one row of scores into p, updates m and l, and leaves the factor for `out` in *scale.
void SoftmaxRow(int first, int last, float* scores, float* row_max, float* row_sum, float* scale) {
  constexpr int kLanes = VecF32::kLanes;
  const float lowest = -__builtin_inff();
  const int begin = first - first % kLanes;
  for (int j = begin; j < first; ++j) scores[j] = lowest;
  int end = last;
  for (; end % kLanes != 0; ++end) scores[end] = lowest;

  VecF32 maximum = VecF32::Splat(*row_max);
  for (int j = begin; j < end; j += kLanes)
    maximum = VecF32::Max(maximum, VecF32::Load(scores + j));
  const float m = maximum.MaxLane();
  VecF32 sum = VecF32::Zero();
  for (int j = begin; j < end; j += kLanes) {
    const VecF32 p = Exp(VecF32::Load(scores + j) - VecF32::Splat(m));
    p.Store(scores + j);
    sum = sum + p;
  }
  float factor[kLanes];
  Exp(VecF32::Splat(*row_max - m)).Store(factor);
  *scale = factor[0];
  *row_sum = *row_sum * factor[0] + sum.Sum();
  *row_max = m;
}

// out[r, d..] = out[r, d..] * scale[r] + sum over keys in `range` of p[r, j] * values[j, d..].
template <int kRows, int kCols>
void AddValuesTile(const float* p, const float* values, KeyRange range, int value_stride,
                   const float* scale, float* out) {
  VecF32 sum[kRows][kCols];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) {
      sum[r][c] =
          VecF32::Load(out + r * value_stride + c * VecF32::kLanes) * VecF32::Splat(scale[r]);
    }
  }
  for (int j = range.begin; j < range.end; ++j) {
    VecF32 v[kCols];
    for (int c = 0; c < kCols; ++c) {
      v[c] = VecF32::Load(values + j * value_stride + c * VecF32::kLanes);
    }
    for (int r = 0; r < kRows; ++r) {
      const VecF32 x = VecF32::Splat(p[r * kAttentionTile + j]);
      for (int c = 0; c < kCols; ++c) sum[r][c] = VecF32::MulAdd(x, v[c], sum[r][c]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) sum[r][c].Store(out + r * value_stride + c * VecF32::kLanes);
  }
}

template <int kRows>
struct AttentionRows {
  static void Run(const AttentionTileArgs& a, int row) {
    const KeyRange range = UnionOfRanges(a.first + row, a.last + row, kRows);
    if (range.begin >= range.end) return;
    float* const scores = a.scores + row * kAttentionTile;
    const float* const q = a.q + row * a.head_dim;
    constexpr int kCols = ColumnsFor(kRows);
    constexpr int kKeys = kCols * VecF32::kLanes;
    int key = range.begin - range.begin % kPanel;
    for (; key + kKeys <= kAttentionTile && key < range.end; key += kKeys) {
      ScorePanels<kRows, kCols>(q, a.keys + key * a.head_dim, a.head_dim, scores + key);
    }
    for (; key < range.end; key += kPanel) {
      ScorePanels<kRows, kPanelVectors>(q, a.keys + key * a.head_dim, a.head_dim, scores + key);
    }
    for (int r = 0; r < kRows; ++r) {
      float* const p = scores + r * kAttentionTile;
      const int first = a.first[row + r];
      const int last = a.last[row + r];
      a.row_scale[row + r] = 1.0f;
      if (first < last) {
        if (a.soft_cap > 0) CapRow(first, last, a.soft_cap, p);
        SoftmaxRow(first, last, p, a.row_max + row + r, a.row_sum + row + r, a.row_scale + row + r);
      }
      for (int j = range.begin; j < range.end; ++j) {
        if (j < first || j >= last) p[j] = 0.0f;
      }
    }
    int d = AddValues<kCols>(a, row, 0, range);
    d = AddValues<kPanelVectors>(a, row, d, range);
    AddValues<1>(a, row, d, range);
  }

 private:
  // Columns from `d` on, kCols vectors at a time; returns where fewer are left.
  template <int kCols>
  static int AddValues(const AttentionTileArgs& a, int row, int d, KeyRange range) {
    for (; d + kCols * VecF32::kLanes <= a.value_stride; d += kCols * VecF32::kLanes) {
      AddValuesTile<kRows, kCols>(a.scores + row * kAttentionTile, a.values + d, range,
                                  a.value_stride, a.row_scale + row,
                                  a.out + row * a.value_stride + d);
    }
    return d;
  }
};

void AttentionTile(const AttentionTileArgs& a) {
  for (int row = 0; row < a.rows; row += kAttentionRows) {
    const int rows = a.rows - row < kAttentionRows ? a.rows - row : kAttentionRows;
    CallWithCount<kAttentionRows, AttentionRows>(rows, a, row);
  }
}

void MergeRow(const float* out, float row_max, float row_sum, int value_stride, float* total_out,
              float* total_max, float* total_sum) {
  if (row_sum == 0.0f) return;
  const float m = *total_max > row_max ? *total_max : row_max;
  float factors[VecF32::kLanes];
  Exp(VecF32::Splat(*total_max - m)).Store(factors);
  const float old_factor = factors[0];
  Exp(VecF32::Splat(row_max - m)).Store(factors);
  const float new_factor = factors[0];
  for (int d = 0; d < value_stride; d += VecF32::kLanes) {
    const VecF32 added = VecF32::Load(out + d) * VecF32::Splat(new_factor);
    VecF32::MulAdd(VecF32::Load(total_out + d), VecF32::Splat(old_factor), added)
        .Store(total_out + d);
  }
  *total_sum = *total_sum * old_factor + row_sum * new_factor;
  *total_max = m;
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
