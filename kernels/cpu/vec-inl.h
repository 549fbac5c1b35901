#pragma once

#include <cstdint>

// VecF32: one register of floats, with the same members for every instruction set, and the element
// types that are read into it.
//
//   kLanes, kRegisters, kHasFma    what the tile sizes of the kernels are chosen by
//   Load, Store                    unaligned; `Partial` touches n in [0, kLanes) elements and
//                                  loads zero in the others; stores to 16 and 8 bits round to
//                                  nearest, ties to even, and StoreI8 takes |x| <= 127 alone
//   Max, Min                       the second operand if either is NaN, as minps does
//   Round                          to the nearest integer, ties to even; |x| < 2^22
//   ScaleByPowerOfTwo(x, n)        x * 2^n for integral n; x and the result must be normal
//   Sum                            a fixed tree over the lanes
//   Transpose                      kLanes x kLanes in place
//
// VecU8: one register of bytes, 4 * kLanes of them, and what turns the codes of quantized weights
// into floats. Bytes count in blocks of 16: part p of the results, p in [0, 4), has bytes 4 p to
// 4 p + 3 of every block, so lane 4 b + i is byte 16 b + 4 p + i.
//
//   LowNibbles, HighNibbles        the four bits of every byte, as bytes
//   Bits<shift, count>             these bits of every byte; shift + count <= 8
//   WithBits<shift>(bits)          with bits << shift added, which must fit into its byte
//   ToF32                          every byte as a number
//   VecTable16(values).Lookup      values[byte]; bytes below 16
//
// Everything has internal linkage: a copy compiled for one instruction set must never be linked
// into code for another.

#if defined(__AVX512F__)
#include "kernels/cpu/vec_avx512-inl.h"
#elif defined(__AVX2__)
#include "kernels/cpu/vec_avx2-inl.h"
#else
#include "kernels/cpu/vec_baseline-inl.h"
#endif

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

struct F32Element {
  using Storage = float;
  static constexpr bool kScaled = false;
  static VecF32 Load(const float* p) { return VecF32::Load(p); }
  static VecF32 LoadPartial(const float* p, int n) { return VecF32::LoadPartial(p, n); }
  static void Store(VecF32 x, float* p) { x.Store(p); }
  static void StorePartial(VecF32 x, float* p, int n) { x.StorePartial(p, n); }
};

// The partial forms of the short formats go through a buffer: they run once per row.
template <typename Format>
struct ShortElement {
  using Storage = typename Format::Storage;
  static constexpr bool kScaled = Format::kScaled;  // a row has a factor beside its elements
  static VecF32 Load(const Storage* p) { return Format::Load(p); }
  static VecF32 LoadPartial(const Storage* p, int n) {
    Storage buffer[VecF32::kLanes] = {};
    __builtin_memcpy(buffer, p, static_cast<unsigned>(n) * sizeof(Storage));
    return Format::Load(buffer);
  }
  static void Store(VecF32 x, Storage* p) { Format::Store(x, p); }
  static void StorePartial(VecF32 x, Storage* p, int n) {
    Storage buffer[VecF32::kLanes];
    Format::Store(x, buffer);
    __builtin_memcpy(p, buffer, static_cast<unsigned>(n) * sizeof(Storage));
  }
};

struct F16Format {
  using Storage = std::uint16_t;
  static constexpr bool kScaled = false;
  static VecF32 Load(const std::uint16_t* p) { return VecF32::LoadF16(p); }
  static void Store(VecF32 x, std::uint16_t* p) { x.StoreF16(p); }
};
struct BF16Format {
  using Storage = std::uint16_t;
  static constexpr bool kScaled = false;
  static VecF32 Load(const std::uint16_t* p) { return VecF32::LoadBF16(p); }
  static void Store(VecF32 x, std::uint16_t* p) { x.StoreBF16(p); }
};
struct I8Format {
  using Storage = std::int8_t;
  static constexpr bool kScaled = true;
  static VecF32 Load(const std::int8_t* p) { return VecF32::LoadI8(p); }
  static void Store(VecF32 x, std::int8_t* p) { x.StoreI8(p); }
};
using F16Element = ShortElement<F16Format>;
using BF16Element = ShortElement<BF16Format>;
using I8Element = ShortElement<I8Format>;

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
