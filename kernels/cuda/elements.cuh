#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

#include "kernels/tensor.h"

// Element access and reductions that the kernels share.

namespace quire::kernels::cuda {

__device__ inline float ToFloat(float x) { return x; }
__device__ inline float ToFloat(__half x) { return __half2float(x); }
__device__ inline float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }

// Of the bits of an f16 or bf16 number.
template <typename T>
__device__ inline float FromBits(std::uint16_t bits) {
  if constexpr (std::is_same_v<T, __half>) {
    return __half2float(__ushort_as_half(bits));
  } else {
    return __uint_as_float(std::uint32_t{bits} << 16);
  }
}

template <typename T>
__device__ T FromFloat(float x);
template <>
__device__ inline float FromFloat<float>(float x) {
  return x;
}
template <>
__device__ inline __half FromFloat<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 FromFloat<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

// See SoftCapArgs.
__device__ inline float SoftCapped(float x, float cap) { return cap * tanhf(x / cap); }

constexpr int kWarpSize = 32;

// Sum over a warp in a fixed tree, returned to every lane.
__device__ inline float WarpSum(float value) {
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, mask);
  }
  return value;
}

__device__ inline float WarpMax(float value) {
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, mask));
  }
  return value;
}

// Sum over the block, returned to every thread. Requires blockDim.x == kThreads, a multiple of the
// warp size. Every thread of the block must call it.
template <int kThreads>
static __device__ float BlockSum(float value) {
  __shared__ float partial[kThreads / kWarpSize];
  value = WarpSum(value);
  __syncthreads();  // the array may still be read from a call before
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  float total = 0.0f;
  for (int i = 0; i < kThreads / kWarpSize; ++i) total += partial[i];
  return total;
}

// Calls `body` with a null pointer to the element type of `dtype`: f32, f16 or bf16.
template <typename Body>
void WithElementType(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::kF16:
      return body(static_cast<__half*>(nullptr));
    case DType::kBF16:
      return body(static_cast<__nv_bfloat16*>(nullptr));
    default:
      return body(static_cast<float*>(nullptr));
  }
}

}  // namespace quire::kernels::cuda
