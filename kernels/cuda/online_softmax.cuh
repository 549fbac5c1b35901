#pragma once

#include <cstdint>

#include "kernels/cuda/elements.cuh"

// Attention of one query row by one block, over keys in tiles.
// Source: Dao et al. 2022, "FlashAttention", algorithm 1; m, l and p as there.

namespace quire::kernels::cuda {

constexpr int kAttentionThreads = 128;
constexpr int kAttentionWarps = kAttentionThreads / kWarpSize;
constexpr int kTileKeys = 64;
constexpr int kMaxHeadDim = 512;

// out = softmax(scale * q . k[j]) v[j] over j in [first, last), the scores soft-capped unless
// `soft_cap` is 0. `key(j)` and `value(j)` return
// pointers to head_dim elements. Tiles start at multiples of kTileKeys, so that the order of the
// sums depends on positions alone. Every thread of the block must call it.
template <typename KeyFn, typename ValueFn>
__device__ void AttendRow(const float* q, float* out, int head_dim, float scale, float soft_cap,
                          int first, int last, const KeyFn& key, const ValueFn& value) {
  constexpr int kColumns = kMaxHeadDim / kAttentionThreads;
  __shared__ float p[kTileKeys];
  const int lane = threadIdx.x % kWarpSize;
  const int warp = threadIdx.x / kWarpSize;
  float sums[kColumns] = {};  // columns threadIdx.x + i * kAttentionThreads
  float m = -INFINITY;
  float l = 0.0f;
  for (int tile = first - first % kTileKeys; tile < last; tile += kTileKeys) {
    // A warp per score.
    for (int j = warp; j < kTileKeys; j += kAttentionWarps) {
      const int position = tile + j;
      const bool visible = position >= first && position < last;
      float dot = 0.0f;
      if (visible) {
        const auto* k = key(position);
        for (int d = lane; d < head_dim; d += kWarpSize) dot = fmaf(q[d], ToFloat(k[d]), dot);
      }
      dot = WarpSum(dot);
      const float score = soft_cap > 0.0f ? SoftCapped(dot * scale, soft_cap) : dot * scale;
      if (lane == 0) p[j] = visible ? score : -INFINITY;
    }
    __syncthreads();
    // Every warp computes the same maximum and sum.
    static_assert(kTileKeys == 2 * kWarpSize);
    const float new_m = fmaxf(m, WarpMax(fmaxf(p[lane], p[lane + kWarpSize])));
    const float tile_sum = WarpSum(expf(p[lane] - new_m) + expf(p[lane + kWarpSize] - new_m));
    const float correction = expf(m - new_m);
    l = l * correction + tile_sum;
    m = new_m;
    for (int i = 0; i < kColumns; ++i) sums[i] *= correction;
    for (int j = 0; j < kTileKeys; ++j) {
      const int position = tile + j;
      if (position < first || position >= last) continue;
      const float weight = expf(p[j] - m);
      const auto* v = value(position);
      for (int i = 0; i < kColumns; ++i) {
        const int d = threadIdx.x + i * kAttentionThreads;
        if (d < head_dim) sums[i] = fmaf(weight, ToFloat(v[d]), sums[i]);
      }
    }
    __syncthreads();  // p is written again
  }
  for (int i = 0; i < kColumns; ++i) {
    const int d = threadIdx.x + i * kAttentionThreads;
    if (d < head_dim) out[d] = sums[i] / l;
  }
}

}  // namespace quire::kernels::cuda
