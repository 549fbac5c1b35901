#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>

#include "kernels/cuda/ptx.cuh"

// How elements of a KV cache become operands of tensor cores. Every conversion is exact.

namespace quire::kernels::cuda {

// An element of an f8 cache, 1 sign, 4 exponent and 3 mantissa bits ("e4m3").
struct Float8 {
  std::uint8_t bits;
};

template <typename To, typename From>
__device__ __forceinline__ To BitCast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

// Score: what q and k are multiplied as. Value: what p and v are. kScoreFactor: what the products
// of converted keys are too small by.
template <typename Element>
struct KvFormat;

template <>
struct KvFormat<__nv_bfloat16> {
  using Score = __nv_bfloat16;
  using Value = __nv_bfloat16;
  static constexpr bool kHasScales = false;
  static constexpr float kScoreFactor = 1.0f;
};

template <>
struct KvFormat<__half> {
  using Score = __half;
  using Value = __half;
  static constexpr bool kHasScales = false;
  static constexpr float kScoreFactor = 1.0f;
};

// p goes into its product times the scale of the value, which f16 might not hold: so p and v are
// bf16, which holds the integers exactly as well.
template <>
struct KvFormat<std::int8_t> {
  using Score = __half;
  using Value = __nv_bfloat16;
  static constexpr bool kHasScales = true;
  static constexpr float kScoreFactor = 1.0f;

  // Two of the four bytes as f16: 0x64xx is 1024 + xx, and xx is the integer + 128.
  // kSelector of __byte_perm picks the bytes, with 5 where the high byte comes.
  template <int kSelector>
  static __device__ __forceinline__ unsigned Score2(unsigned bytes) {
    const unsigned biased = __byte_perm(bytes ^ 0x80808080u, 0x64646464u, kSelector);
    return BitCast<unsigned>(
        __hsub2(BitCast<__half2>(biased), BitCast<__half2>(0x64806480u)));  // 1024 + 128
  }
  // The same as bf16: 0x43xx is 128 + the low 7 bits of xx, or twice that offset where the sign bit
  // is set.
  template <int kSelector>
  static __device__ __forceinline__ unsigned Value2(unsigned bytes) {
    const unsigned biased = __byte_perm(bytes, 0x43434343u, kSelector);
    return BitCast<unsigned>(__hsub2(BitCast<__nv_bfloat162>(biased & 0xff7fff7fu),
                                     BitCast<__nv_bfloat162>(biased & 0xff80ff80u)));
  }
};

template <>
struct KvFormat<Float8> {
  using Score = __half;
  using Value = __nv_bfloat16;
  static constexpr bool kHasScales = true;
  // f16 has one more bit of exponent, with a bias of 15 instead of 7.
  static constexpr float kScoreFactor = 256.0f;

  // Bytes in the high half of each 16 bits.
  template <int kSelector>
  static __device__ __forceinline__ unsigned Widened(unsigned bytes) {
    // From 0x5x5y, whose fives are what high bytes come from in an i8 row, to 0xx4y4.
    constexpr int kFirst = kSelector & 0xf;
    constexpr int kSecond = kSelector >> 8 & 0xf;
    return __byte_perm(bytes, 0, kSecond << 12 | 4 << 8 | kFirst << 4 | 4);
  }
  template <int kSelector>
  static __device__ __forceinline__ unsigned Score2(unsigned bytes) {
    const unsigned wide = Widened<kSelector>(bytes);
    return (wide & 0x80008000u) | (wide & 0x7f007f00u) >> 1;
  }
  template <int kSelector>
  static __device__ __forceinline__ unsigned Value2(unsigned bytes) {
    const unsigned wide = Widened<kSelector>(bytes);
    const unsigned small = (wide & 0x80008000u) | (wide & 0x7f007f00u) >> 4;
    return BitCast<unsigned>(
        __hmul2(BitCast<__nv_bfloat162>(small), BitCast<__nv_bfloat162>(0x7b807b80u)));  // 2^120
  }
};

}  // namespace quire::kernels::cuda
