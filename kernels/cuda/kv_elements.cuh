#pragma once

#include <cuda_fp8.h>

#include <cstdint>

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/kv_format.cuh"
#include "kernels/paged_attention.h"

// Elements of a KV cache one by one: rounding into it, and reading where speed does not matter.

namespace quire::kernels::cuda {

__device__ inline float ToFloat(std::int8_t x) { return x; }
// As an f16 the bits are the value over 256.
__device__ inline float ToFloat(Float8 x) {
  const unsigned bits = (x.bits & 0x80u) << 8 | (x.bits & 0x7fu) << 7;
  return 256.0f * __half2float(BitCast<__half>(static_cast<std::uint16_t>(bits)));
}

template <typename T>
struct KvElement {
  static constexpr bool kHasScales = false;
  static __device__ T Rounded(float x) { return FromFloat<T>(x); }
};
template <>
struct KvElement<std::int8_t> {
  static constexpr bool kHasScales = true;
  static constexpr float kLargest = kMaxKvInt8;
  static __device__ std::int8_t Rounded(float x) {
    return static_cast<std::int8_t>(__float2int_rn(x));
  }
};
template <>
struct KvElement<Float8> {
  static constexpr bool kHasScales = true;
  static constexpr float kLargest = kMaxKvFloat8;
  static __device__ Float8 Rounded(float x) {
    return {__nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3)};
  }
};

// Calls `body` with a null pointer to the element type of a cache of `dtype`.
template <typename Body>
void WithKvType(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::kI8:
      return body(static_cast<std::int8_t*>(nullptr));
    case DType::kF8E4M3:
      return body(static_cast<Float8*>(nullptr));
    default:
      return WithElementType(dtype, body);
  }
}

}  // namespace quire::kernels::cuda
