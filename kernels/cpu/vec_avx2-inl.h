#pragma once

#include <immintrin.h>

#include <cstdint>

// Eight lanes: AVX2, FMA, F16C. Contract: vec-inl.h.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// A window of eight that starts at 8 - n selects the first n lanes.
alignas(64) constexpr std::int32_t kLaneMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                     0,  0,  0,  0,  0,  0,  0,  0};

struct VecF32 {
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;
  static constexpr bool kHasFma = true;

  __m256 v;

  static VecF32 Zero() { return {_mm256_setzero_ps()}; }
  static VecF32 Splat(float x) { return {_mm256_set1_ps(x)}; }
  static VecF32 Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static VecF32 LoadPartial(const float* p, int n) { return {_mm256_maskload_ps(p, Mask(n))}; }
  static VecF32 LoadBF16(const std::uint16_t* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(LoadHalves(p)), 16))};
  }
  static VecF32 LoadF16(const std::uint16_t* p) { return {_mm256_cvtph_ps(LoadHalves(p))}; }
  static VecF32 LoadI8(const std::int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
  }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StorePartial(float* p, int n) const { _mm256_maskstore_ps(p, Mask(n), v); }
  void StoreBF16(std::uint16_t* p) const {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded =
        _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    // Rounding could turn a NaN into infinity: set its quiet bit instead.
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i wide = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), halves);
  }
  void StoreF16(std::uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  void StoreI8(std::int8_t* p) const {
    const __m256i wide = _mm256_cvtps_epi32(v);
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }

  friend VecF32 operator+(VecF32 a, VecF32 b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend VecF32 operator-(VecF32 a, VecF32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend VecF32 operator*(VecF32 a, VecF32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend VecF32 operator/(VecF32 a, VecF32 b) { return {_mm256_div_ps(a.v, b.v)}; }
  static VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static VecF32 Max(VecF32 a, VecF32 b) { return {_mm256_max_ps(a.v, b.v)}; }
  static VecF32 Min(VecF32 a, VecF32 b) { return {_mm256_min_ps(a.v, b.v)}; }
  static VecF32 IfLess(VecF32 a, VecF32 b, VecF32 x, VecF32 y) {
    return {_mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
  }
  static VecF32 Round(VecF32 x) {
    return {_mm256_round_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static VecF32 ScaleByPowerOfTwo(VecF32 x, VecF32 n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n.v), 23);
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x.v), exponent))};
  }

  float Sum() const {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  float MaxLane() const {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static void Transpose(VecF32 (&r)[kLanes]) {
    __m256 pairs[8];
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(r[i].v, r[i + 1].v);
      pairs[i + 1] = _mm256_unpackhi_ps(r[i].v, r[i + 1].v);
    }
    __m256 quads[8];
    for (int i = 0; i < 8; i += 4) {
      quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      r[i].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
      r[i + 4].v = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
  }

 private:
  static __m128i LoadHalves(const std::uint16_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static __m256i Mask(int n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 8 - n));
  }
};

struct VecU8 {
  __m256i v;

  static VecU8 Load(const std::uint8_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  VecU8 LowNibbles() const { return {_mm256_and_si256(v, _mm256_set1_epi8(0x0f))}; }
  VecU8 HighNibbles() const { return VecU8{_mm256_srli_epi16(v, 4)}.LowNibbles(); }
  template <int kShift, int kCount>
  VecU8 Bits() const {
    return {_mm256_and_si256(_mm256_srli_epi16(v, kShift), _mm256_set1_epi8((1 << kCount) - 1))};
  }
  template <int kShift>
  VecU8 WithBits(VecU8 bits) const {
    return {_mm256_or_si256(v, _mm256_slli_epi16(bits.v, kShift))};
  }
  void ToF32(VecF32 (&parts)[4]) const {
    for (int p = 0; p < 4; ++p) {
      // Byte 4 p + i of a half to the lowest byte of its lane i; an index with its top bit set
      // gives zero.
      const int i = 4 * p + static_cast<int>(0x80808000);
      const __m256i lanes = _mm256_setr_epi32(i, i + 1, i + 2, i + 3, i, i + 1, i + 2, i + 3);
      parts[p].v = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(v, lanes));
    }
  }
};

// The four bytes of the floats are looked up one by one and woven together.
struct VecTable16 {
  __m256i bytes[4];

  explicit VecTable16(const float* values) {
    for (int b = 0; b < 4; ++b) {
      alignas(16) std::uint8_t plane[16];
      for (int i = 0; i < 16; ++i) {
        std::uint32_t bits;
        __builtin_memcpy(&bits, values + i, sizeof(bits));
        plane[i] = static_cast<std::uint8_t>(bits >> (8 * b));
      }
      bytes[b] =
          _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(plane)));
    }
  }
  void Lookup(VecU8 codes, VecF32 (&parts)[4]) const {
    __m256i b[4];
    for (int i = 0; i < 4; ++i) b[i] = _mm256_shuffle_epi8(bytes[i], codes.v);
    const __m256i low = _mm256_unpacklo_epi8(b[0], b[1]);
    const __m256i low_top = _mm256_unpacklo_epi8(b[2], b[3]);
    const __m256i high = _mm256_unpackhi_epi8(b[0], b[1]);
    const __m256i high_top = _mm256_unpackhi_epi8(b[2], b[3]);
    parts[0].v = _mm256_castsi256_ps(_mm256_unpacklo_epi16(low, low_top));
    parts[1].v = _mm256_castsi256_ps(_mm256_unpackhi_epi16(low, low_top));
    parts[2].v = _mm256_castsi256_ps(_mm256_unpacklo_epi16(high, high_top));
    parts[3].v = _mm256_castsi256_ps(_mm256_unpackhi_epi16(high, high_top));
  }
};

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
