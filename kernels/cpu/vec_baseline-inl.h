#pragma once

#include <cstdint>

#include "kernels/half.h"

// Four lanes in the compiler's portable vector type: SSE2 on x86-64, NEON on AArch64. Contract:
// vec-inl.h.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

using Float4 = float __attribute__((vector_size(16)));
using Int4 = std::int32_t __attribute__((vector_size(16)));
using Bytes4 = std::uint8_t __attribute__((vector_size(4)));
using SignedBytes4 = std::int8_t __attribute__((vector_size(4)));
using Bytes16 = std::uint8_t __attribute__((vector_size(16)));
using Half4 = std::uint16_t __attribute__((vector_size(8)));

struct VecF32 {
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 16;
  static constexpr bool kHasFma = false;

  Float4 v;

  static VecF32 Zero() { return {Float4{0, 0, 0, 0}}; }
  static VecF32 Splat(float x) { return {Float4{x, x, x, x}}; }
  static VecF32 Load(const float* p) {
    VecF32 r;
    __builtin_memcpy(&r.v, p, sizeof(r.v));
    return r;
  }
  static VecF32 LoadPartial(const float* p, int n) {
    VecF32 r = Zero();
    for (int i = 0; i < n; ++i) r.v[i] = p[i];
    return r;
  }
  static VecF32 LoadBF16(const std::uint16_t* p) { return {(Float4)(LoadHalves(p) << 16)}; }
  static VecF32 LoadF16(const std::uint16_t* p) {
    const Int4 bits = LoadHalves(p);
    const Int4 magnitude = bits & 0x7fff;
    // Placing the bits 13 higher gives the value times 2^-112, subnormals included.
    const Int4 finite = (Int4)((Float4)(magnitude << 13) * 0x1p112f);
    const Int4 special = (magnitude << 13) | 0x7f800000;  // infinity and NaN
    return {(Float4)(((bits & 0x8000) << 16) | (magnitude >= 0x7c00 ? special : finite))};
  }
  static VecF32 LoadI8(const std::int8_t* p) {
    SignedBytes4 bytes;
    __builtin_memcpy(&bytes, p, sizeof(bytes));
    return {__builtin_convertvector(__builtin_convertvector(bytes, Int4), Float4)};
  }
  void Store(float* p) const { __builtin_memcpy(p, &v, sizeof(v)); }
  void StorePartial(float* p, int n) const {
    for (int i = 0; i < n; ++i) p[i] = v[i];
  }
  void StoreBF16(std::uint16_t* p) const {
    for (int i = 0; i < kLanes; ++i) p[i] = F32ToBF16(v[i]);
  }
  void StoreF16(std::uint16_t* p) const {
    for (int i = 0; i < kLanes; ++i) p[i] = F32ToF16(v[i]);
  }
  void StoreI8(std::int8_t* p) const {
    const SignedBytes4 bytes =
        __builtin_convertvector(__builtin_convertvector(Round(*this).v, Int4), SignedBytes4);
    __builtin_memcpy(p, &bytes, sizeof(bytes));
  }

  friend VecF32 operator+(VecF32 a, VecF32 b) { return {a.v + b.v}; }
  friend VecF32 operator-(VecF32 a, VecF32 b) { return {a.v - b.v}; }
  friend VecF32 operator*(VecF32 a, VecF32 b) { return {a.v * b.v}; }
  friend VecF32 operator/(VecF32 a, VecF32 b) { return {a.v / b.v}; }
  static VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return {a.v * b.v + c.v}; }
  static VecF32 Max(VecF32 a, VecF32 b) { return {a.v > b.v ? a.v : b.v}; }
  static VecF32 Min(VecF32 a, VecF32 b) { return {a.v < b.v ? a.v : b.v}; }
  static VecF32 IfLess(VecF32 a, VecF32 b, VecF32 x, VecF32 y) { return {a.v < b.v ? x.v : y.v}; }
  // Adding 1.5 * 2^23 leaves no fraction bits: correct for |x| < 2^22.
  static VecF32 Round(VecF32 x) { return {(x.v + 0x1.8p23f) - 0x1.8p23f}; }
  static VecF32 ScaleByPowerOfTwo(VecF32 x, VecF32 n) {
    return {(Float4)((Int4)x.v + (__builtin_convertvector(n.v, Int4) << 23))};
  }

  float Sum() const { return (v[0] + v[1]) + (v[2] + v[3]); }
  float MaxLane() const {
    const float a = v[0] > v[1] ? v[0] : v[1];
    const float b = v[2] > v[3] ? v[2] : v[3];
    return a > b ? a : b;
  }

  static void Transpose(VecF32 (&r)[kLanes]) {
    const Float4 a = __builtin_shufflevector(r[0].v, r[1].v, 0, 4, 1, 5);
    const Float4 b = __builtin_shufflevector(r[2].v, r[3].v, 0, 4, 1, 5);
    const Float4 c = __builtin_shufflevector(r[0].v, r[1].v, 2, 6, 3, 7);
    const Float4 d = __builtin_shufflevector(r[2].v, r[3].v, 2, 6, 3, 7);
    r[0].v = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    r[1].v = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    r[2].v = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    r[3].v = __builtin_shufflevector(c, d, 2, 3, 6, 7);
  }

 private:
  static Int4 LoadHalves(const std::uint16_t* p) {
    Half4 halves;
    __builtin_memcpy(&halves, p, sizeof(halves));
    return __builtin_convertvector(halves, Int4);
  }
};

struct VecU8 {
  Bytes16 v;

  static VecU8 Load(const std::uint8_t* p) {
    VecU8 r;
    __builtin_memcpy(&r.v, p, sizeof(r.v));
    return r;
  }
  VecU8 LowNibbles() const { return {v & 0x0f}; }
  VecU8 HighNibbles() const { return {v >> 4}; }
  template <int kShift, int kCount>
  VecU8 Bits() const {
    constexpr std::uint8_t kMask = (1 << kCount) - 1;
    return {(v >> kShift) & kMask};
  }
  template <int kShift>
  VecU8 WithBits(VecU8 bits) const {
    return {v | (bits.v << kShift)};
  }
  void ToF32(VecF32 (&parts)[4]) const {
    Bytes4 bytes[4];
    __builtin_memcpy(bytes, &v, sizeof(v));
    for (int p = 0; p < 4; ++p) {
      parts[p].v = __builtin_convertvector(__builtin_convertvector(bytes[p], Int4), Float4);
    }
  }
};

struct VecTable16 {
  float values[16];

  explicit VecTable16(const float* table) { __builtin_memcpy(values, table, sizeof(values)); }
  void Lookup(VecU8 codes, VecF32 (&parts)[4]) const {
    for (int p = 0; p < 4; ++p) {
      const int i = 4 * p;
      parts[p].v = Float4{values[codes.v[i]], values[codes.v[i + 1]], values[codes.v[i + 2]],
                          values[codes.v[i + 3]]};
    }
  }
};

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
