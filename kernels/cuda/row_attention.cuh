#pragma once

#include "kernels/cuda/elements.cuh"

// Attention of one query row by one warp, over keys in tiles, in f32: for the shapes and types
// that have no tensor-core kernel. Source: Dao et al. 2022, "FlashAttention", algorithm 1; m, l and
// p as there.

namespace quire::kernels::cuda {

inline constexpr int kAttentionThreads = kWarpSize;
inline constexpr int kMaxHeadDim = 512;

// Elements of one key or value.
template <typename T>
struct KvRow {
  const T* elements;
  float scale;
  __device__ float operator[](int d) const { return scale * ToFloat(elements[d]); }
};

// out = softmax(scale * q . key(row(j))) value(row(j)) over j in [first, last), the scores
// soft-capped unless `soft_cap` is 0. `key` and `value` return something with head_dim elements.
// Tiles start at multiples of kTileKeys, so that the order of the sums depends on positions alone.
// A lane has every 32nd key of a tile, then every 32nd column of the output. Every lane must call
// it.
template <typename RowFn, typename KeyFn, typename ValueFn>
static __device__ void AttendRow(const float* q, float* out, int head_dim, float scale,
                                 float soft_cap, int first, int last, const RowFn& row,
                                 const KeyFn& key, const ValueFn& value) {
  constexpr int kKeysPerLane = 4;
  constexpr int kTileKeys = kKeysPerLane * kWarpSize;
  constexpr int kColumns = kMaxHeadDim / kWarpSize;
  __shared__ float shared_q[kMaxHeadDim];
  __shared__ float p[kTileKeys];
  __shared__ std::int64_t rows[kTileKeys];
  const int lane = threadIdx.x;
  for (int d = lane; d < head_dim; d += kWarpSize) shared_q[d] = q[d];
  __syncwarp();
  float sums[kColumns] = {};  // columns lane + i * kWarpSize
  float m = -INFINITY;
  float l = 0.0f;
  for (int tile = first - first % kTileKeys; tile < last; tile += kTileKeys) {
    float scores[kKeysPerLane];
    float new_m = m;
    for (int i = 0; i < kKeysPerLane; ++i) {
      const int j = lane + i * kWarpSize;
      scores[i] = -INFINITY;
      if (tile + j < first || tile + j >= last) continue;
      rows[j] = row(tile + j);
      const auto k = key(rows[j]);
      float dot = 0.0f;
      for (int d = 0; d < head_dim; ++d) dot = fmaf(shared_q[d], k[d], dot);
      scores[i] = soft_cap > 0.0f ? SoftCapped(dot * scale, soft_cap) : dot * scale;
      new_m = fmaxf(new_m, scores[i]);
    }
    new_m = WarpMax(new_m);
    float sum = 0.0f;
    for (int i = 0; i < kKeysPerLane; ++i) {
      p[lane + i * kWarpSize] = expf(scores[i] - new_m);
      sum += p[lane + i * kWarpSize];
    }
    const float correction = expf(m - new_m);
    m = new_m;
    l = l * correction + WarpSum(sum);
    __syncwarp();
    for (int i = 0; i < kColumns; ++i) sums[i] *= correction;
    for (int j = max(tile, first) - tile; j < min(kTileKeys, last - tile); ++j) {
      const auto v = value(rows[j]);
#pragma unroll
      for (int i = 0; i < kColumns; ++i) {
        const int d = lane + i * kWarpSize;
        if (d >= head_dim) break;
        sums[i] = fmaf(p[j], v[d], sums[i]);
      }
    }
    __syncwarp();  // p and rows are written again
  }
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    const int d = lane + i * kWarpSize;
    if (d < head_dim) out[d] = sums[i] / l;
  }
}

}  // namespace quire::kernels::cuda
