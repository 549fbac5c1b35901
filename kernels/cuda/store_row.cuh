#pragma once

#include "kernels/cuda/kv_elements.cuh"

namespace quire::kernels::cuda {

// Rounds a row into a cache by one warp; `value(d)` is what it holds. With scales: the factor that
// brings the largest magnitude to the type's largest number, as StoreKvArgs has it.
template <typename T, typename ValueFn>
__device__ void StoreRow(const ValueFn& value, T* to, float* scale, int head_dim) {
  const int lane = threadIdx.x % kWarpSize;
  float factor = 1.0f;
  if constexpr (KvElement<T>::kHasScales) {
    float largest = 0.0f;
    float nan_if_bad = 0.0f;  // x - x is 0 for every finite x
    for (int d = lane; d < head_dim; d += kWarpSize) {
      const float x = value(d);
      largest = fmaxf(largest, fabsf(x));
      nan_if_bad += x - x;
    }
    largest = WarpMax(largest);
    const float check = WarpSum(nan_if_bad);
    const bool is_zero = check != 0.0f || !(largest >= 0x1p-119f);
    factor = is_zero ? 0.0f : KvElement<T>::kLargest / largest;
    if (lane == 0) *scale = is_zero ? check : largest / KvElement<T>::kLargest;
  }
  for (int d = lane; d < head_dim; d += kWarpSize) {
    // The factor 0 of a row that is not finite must not make NaN integers of it.
    to[d] = KvElement<T>::Rounded(factor == 0.0f ? 0.0f : value(d) * factor);
  }
}

// Row `head` of a slot in a cache.
__device__ inline std::int64_t RowOfSlot(const KvLayerView& cache, std::int64_t slot, int head) {
  return (slot / cache.block_size * cache.num_kv_heads + head) * cache.block_size +
         slot % cache.block_size;
}

}  // namespace quire::kernels::cuda
