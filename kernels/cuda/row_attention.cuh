#pragma once

#include "kernels/cuda/elements.cuh"

// Attention of one query row by one block, over keys in tiles, in f32: for the shapes and types
// that have no tensor-core kernel. Source: Dao et al. 2022, "FlashAttention", algorithm 1; m, l and
// p as there.

namespace quire::kernels::cuda {

inline constexpr int kAttentionThreads = 128;
inline constexpr int kMaxHeadDim = 512;

// Elements of one key or value.
template <typename T>
struct KvRow {
  const T* elements;
  float scale;
  __device__ float operator[](int d) const { return scale * ToFloat(elements[d]); }
};

// out = softmax(scale * q . key(j)) value(j) over j in [first, last), the scores soft-capped unless
// `soft_cap` is 0. `key(j)` and `value(j)` return something with head_dim elements. Tiles start at
// multiples of kAttentionThreads, so that the order of the sums depends on positions alone. A
// thread has one key of a tile, then some columns of the output. Every thread of the block must
// call it.
template <typename KeyFn, typename ValueFn>
static __device__ void AttendRow(const float* q, float* out, int head_dim, float scale,
                                 float soft_cap, int first, int last, const KeyFn& key,
                                 const ValueFn& value) {
  constexpr int kColumns = kMaxHeadDim / kAttentionThreads;
  constexpr int kWarps = kAttentionThreads / kWarpSize;
  __shared__ float shared_q[kMaxHeadDim];
  __shared__ float p[kAttentionThreads];
  __shared__ float warp_m[kWarps];
  __shared__ float warp_l[kWarps];
  const int thread = threadIdx.x;
  const int warp = thread / kWarpSize;
  for (int d = thread; d < head_dim; d += kAttentionThreads) shared_q[d] = q[d];
  __syncthreads();
  float sums[kColumns] = {};  // columns thread + i * kAttentionThreads
  float m = -INFINITY;
  float l = 0.0f;
  for (int tile = first - first % kAttentionThreads; tile < last; tile += kAttentionThreads) {
    float score = -INFINITY;
    if (tile + thread >= first && tile + thread < last) {
      const auto k = key(tile + thread);
      float dot = 0.0f;
      for (int d = 0; d < head_dim; ++d) dot = fmaf(shared_q[d], k[d], dot);
      score = soft_cap > 0.0f ? SoftCapped(dot * scale, soft_cap) : dot * scale;
    }
    const float largest = WarpMax(score);
    if (thread % kWarpSize == 0) warp_m[warp] = largest;
    __syncthreads();
    float new_m = m;
    for (int i = 0; i < kWarps; ++i) new_m = fmaxf(new_m, warp_m[i]);
    p[thread] = expf(score - new_m);
    const float sum = WarpSum(p[thread]);
    if (thread % kWarpSize == 0) warp_l[warp] = sum;
    __syncthreads();
    const float correction = expf(m - new_m);
    m = new_m;
    l *= correction;
    for (int i = 0; i < kWarps; ++i) l += warp_l[i];
    for (int i = 0; i < kColumns; ++i) sums[i] *= correction;
    for (int j = max(tile, first); j < min(tile + kAttentionThreads, last); ++j) {
      const auto v = value(j);
      for (int i = 0; i < kColumns; ++i) {
        const int d = thread + i * kAttentionThreads;
        if (d < head_dim) sums[i] = fmaf(p[j - tile], v[d], sums[i]);
      }
    }
    __syncthreads();  // p, warp_m and warp_l are written again
  }
  for (int i = 0; i < kColumns; ++i) {
    const int d = thread + i * kAttentionThreads;
    if (d < head_dim) out[d] = sums[i] / l;
  }
}

}  // namespace quire::kernels::cuda
