#include "kernels/cpu/query_tile.h"

#include <limits>

#include "kernels/cpu/cpu_stream.h"

namespace quire::kernels::cpu {

SoftmaxState SoftmaxState::At(float* memory, int rows, int value_stride) {
  float* const after_out = memory + std::int64_t{rows} * value_stride;
  return {.out = memory, .max = after_out, .sum = after_out + rows};
}

void SoftmaxState::Clear(int rows, int value_stride) const {
  std::fill_n(out, std::int64_t{rows} * value_stride, 0.0f);
  std::fill_n(max, rows, -std::numeric_limits<float>::infinity());
  std::fill_n(sum, rows, 0.0f);
}

std::int64_t QueryTile::ScratchFloats(int head_dim) {
  const std::int64_t stride = ValueStride(head_dim);
  return 2 * kAttentionTile * stride + std::int64_t{kQueryRows} * (kAttentionTile + stride) +
         2 * SoftmaxState::NumFloats(kQueryRows, static_cast<int>(stride));
}

QueryTile::QueryTile(const Microkernels& kernels, DType dtype, int head_dim, int num_rows,
                     float* scratch)
    : kernels_(kernels),
      element_(ElementIndex(dtype)),
      row_bytes_(head_dim * static_cast<int>(BytesPerElement(dtype))),
      head_dim_(head_dim),
      value_stride_(ValueStride(head_dim)),
      num_rows_(num_rows),
      first_position_(std::numeric_limits<int>::max()) {
  keys_ = scratch;
  values_ = keys_ + kAttentionTile * value_stride_;
  scores_ = values_ + kAttentionTile * value_stride_;
  q_ = scores_ + kQueryRows * kAttentionTile;
  float* const states = q_ + kQueryRows * value_stride_;
  part_ = SoftmaxState::At(states, num_rows, value_stride_);
  total_ = SoftmaxState::At(states + SoftmaxState::NumFloats(kQueryRows, value_stride_), num_rows,
                            value_stride_);
  total_.Clear(num_rows, value_stride_);
}

void QueryTile::SetRow(int row, const float* q, float scale, std::int32_t first,
                       std::int32_t last) {
  for (int d = 0; d < head_dim_; ++d) q_[row * head_dim_ + d] = q[d] * scale;
  first_[row] = first;
  last_[row] = last;
  first_position_ = std::min(first_position_, first);
  last_position_ = std::max(last_position_, last);
}

void QueryTile::LoadTile(const KvRows& rows) const {
  float key_scales[kAttentionTile] = {};
  float value_scales[kAttentionTile] = {};
  if (element_ == static_cast<int>(ElementKind::kI8)) {
    for (int i = 0; i < kAttentionTile; ++i) {
      if (rows.keys[i] == nullptr) continue;
      key_scales[i] = *rows.key_scales[i];
      value_scales[i] = *rows.value_scales[i];
    }
  }
  kernels_.attention.load_keys[element_](rows.keys, key_scales, head_dim_, keys_);
  kernels_.attention.load_values[element_](rows.values, value_scales, head_dim_, value_stride_,
                                           values_);
}

void QueryTile::Prefetch(const KvRows& rows) const {
  constexpr int kCacheLineBytes = 64;
  // Into the L2 cache: the first level is full of the current tile.
  const auto fetch = [](const void* p) { __builtin_prefetch(p, 0, 2); };
  for (int i = 0; i < kAttentionTile; ++i) {
    if (rows.keys[i] == nullptr) continue;
    for (int offset = 0; offset < row_bytes_; offset += kCacheLineBytes) {
      fetch(static_cast<const char*>(rows.keys[i]) + offset);
      fetch(static_cast<const char*>(rows.values[i]) + offset);
    }
    if (rows.key_scales[i] == nullptr) continue;
    fetch(rows.key_scales[i]);
    fetch(rows.value_scales[i]);
  }
}

void QueryTile::ComputeTile(int tile, const SoftmaxState& part) const {
  std::int32_t first[kQueryRows];
  std::int32_t last[kQueryRows];
  for (int r = 0; r < num_rows_; ++r) {
    first[r] = std::clamp(first_[r] - tile, 0, kAttentionTile);
    last[r] = std::clamp(last_[r] - tile, 0, kAttentionTile);
  }
  float row_scale[kQueryRows];
  kernels_.attention.tile({.q = q_,
                           .keys = keys_,
                           .values = values_,
                           .rows = num_rows_,
                           .head_dim = head_dim_,
                           .value_stride = value_stride_,
                           .first = first,
                           .last = last,
                           .soft_cap = soft_cap_,
                           .scores = scores_,
                           .row_scale = row_scale,
                           .out = part.out,
                           .row_max = part.max,
                           .row_sum = part.sum});
}

void QueryTile::Merge(const SoftmaxState& part) {
  for (int r = 0; r < num_rows_; ++r) {
    kernels_.attention.merge_row(part.out + r * value_stride_, part.max[r], part.sum[r],
                                 value_stride_, total_.out + r * value_stride_, &total_.max[r],
                                 &total_.sum[r]);
  }
}

void QueryTile::WriteRow(int row, float* to) const {
  const float inverse = 1.0f / total_.sum[row];
  for (int d = 0; d < head_dim_; ++d) to[d] = total_.out[row * value_stride_ + d] * inverse;
}

}  // namespace quire::kernels::cpu
