#pragma once

// Stands for CUDA's header of this name: see cuda_runtime.h beside it. Every operation is done in
// f32 and rounded once, as the hardware does.

#include <cstdint>

#include "cuda_runtime.h"
#include "kernels/half.h"

struct __half_raw {
  std::uint16_t x;
};
struct __half {
  std::uint16_t bits;
  __half() = default;
  __half(__half_raw raw) : bits(raw.x) {}
  operator __half_raw() const { return {bits}; }
};
struct alignas(4) __half2 {
  __half x, y;
};
using half = __half;
using half2 = __half2;

inline float __half2float(__half h) { return quire::kernels::F16ToF32(h.bits); }
inline __half __float2half_rn(float x) { return __half_raw{quire::kernels::F32ToF16(x)}; }
inline __half __float2half(float x) { return __float2half_rn(x); }
inline __half __ushort_as_half(std::uint16_t bits) { return __half_raw{bits}; }
inline std::uint16_t __half_as_ushort(__half h) { return h.bits; }
inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
inline __half2 __half2half2(__half h) { return {h, h}; }
inline __half2 __floats2half2_rn(float x, float y) {
  return {__float2half_rn(x), __float2half_rn(y)};
}
inline __half2 __float2half2_rn(float x) { return __floats2half2_rn(x, x); }
inline float2 __half22float2(__half2 h) { return {__half2float(h.x), __half2float(h.y)}; }
inline float __low2float(__half2 h) { return __half2float(h.x); }
inline float __high2float(__half2 h) { return __half2float(h.y); }

inline __half __hadd(__half a, __half b) {
  return __float2half_rn(__half2float(a) + __half2float(b));
}
inline __half __hsub(__half a, __half b) {
  return __float2half_rn(__half2float(a) - __half2float(b));
}
inline __half __hmul(__half a, __half b) {
  return __float2half_rn(__half2float(a) * __half2float(b));
}
// The product is exact in f32; the sum is rounded twice where f64 is not enough, which is never.
inline __half __hfma(__half a, __half b, __half c) {
  const double sum = double{__half2float(a)} * __half2float(b) + __half2float(c);
  return __float2half_rn(static_cast<float>(sum));
}
inline __half2 __hadd2(__half2 a, __half2 b) { return {__hadd(a.x, b.x), __hadd(a.y, b.y)}; }
inline __half2 __hsub2(__half2 a, __half2 b) { return {__hsub(a.x, b.x), __hsub(a.y, b.y)}; }
inline __half2 __hmul2(__half2 a, __half2 b) { return {__hmul(a.x, b.x), __hmul(a.y, b.y)}; }
inline __half2 __hfma2(__half2 a, __half2 b, __half2 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
