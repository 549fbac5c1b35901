#pragma once

#include <immintrin.h>

#include <cstdint>

// Sixteen lanes: AVX-512 F, BW, DQ, VL. Contract: vec-inl.h.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// Lane numbers that swap one bit of row and lane between rows a and b = a + bit; 16 + i is lane i
// of b.
struct ExchangeIndices {
  constexpr explicit ExchangeIndices(int bit) : low(), high() {
    for (int i = 0; i < 16; ++i) {
      low[i] = (i & bit) == 0 ? i : 16 + i - bit;
      high[i] = (i & bit) == 0 ? i + bit : 16 + i;
    }
  }
  alignas(64) std::int32_t low[16];
  alignas(64) std::int32_t high[16];
};

struct VecF32 {
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;
  static constexpr bool kHasFma = true;

  __m512 v;

  static VecF32 Zero() { return {_mm512_setzero_ps()}; }
  static VecF32 Splat(float x) { return {_mm512_set1_ps(x)}; }
  static VecF32 Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static VecF32 LoadPartial(const float* p, int n) { return {_mm512_maskz_loadu_ps(Mask(n), p)}; }
  static VecF32 LoadBF16(const std::uint16_t* p) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(LoadHalves(p)), 16))};
  }
  static VecF32 LoadF16(const std::uint16_t* p) { return {_mm512_cvtph_ps(LoadHalves(p))}; }
  static VecF32 LoadI8(const std::int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
  }
  void Store(float* p) const { _mm512_storeu_ps(p, v); }
  void StorePartial(float* p, int n) const { _mm512_mask_storeu_ps(p, Mask(n), v); }
  void StoreBF16(std::uint16_t* p) const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    // Rounding could turn a NaN into infinity: set its quiet bit instead.
    const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i wide = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(wide, 16)));
  }
  void StoreF16(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  void StoreI8(std::int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v)));
  }

  friend VecF32 operator+(VecF32 a, VecF32 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend VecF32 operator-(VecF32 a, VecF32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend VecF32 operator*(VecF32 a, VecF32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend VecF32 operator/(VecF32 a, VecF32 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static VecF32 MulAdd(VecF32 a, VecF32 b, VecF32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static VecF32 Max(VecF32 a, VecF32 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static VecF32 Min(VecF32 a, VecF32 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static VecF32 IfLess(VecF32 a, VecF32 b, VecF32 x, VecF32 y) {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
  }
  static VecF32 Round(VecF32 x) {
    return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static VecF32 ScaleByPowerOfTwo(VecF32 x, VecF32 n) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_cvtps_epi32(n.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x.v), exponent))};
  }

  // A fixed tree: halves, quarters, pairs.
  float Sum() const {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  float MaxLane() const { return _mm512_reduce_max_ps(v); }

  // Swaps bit `h` of row and lane number for h = 1, 2, 4, 8: four rounds transpose 16 x 16.
  static void Transpose(VecF32 (&r)[kLanes]) {
    ExchangeBit<1>(r);
    ExchangeBit<2>(r);
    ExchangeBit<4>(r);
    ExchangeBit<8>(r);
  }

 private:
  static __m256i LoadHalves(const std::uint16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1u); }

  template <int kBit>
  static void ExchangeBit(VecF32 (&r)[kLanes]) {
    alignas(64) static constexpr ExchangeIndices kIndices(kBit);
    const __m512i low = _mm512_load_si512(kIndices.low);
    const __m512i high = _mm512_load_si512(kIndices.high);
    for (int i = 0; i < kLanes; ++i) {
      if ((i & kBit) != 0) continue;
      const __m512 a = r[i].v;
      const __m512 b = r[i + kBit].v;
      r[i].v = _mm512_permutex2var_ps(a, low, b);
      r[i + kBit].v = _mm512_permutex2var_ps(a, high, b);
    }
  }
};

struct VecU8 {
  __m512i v;

  static VecU8 Load(const std::uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  VecU8 LowNibbles() const { return {_mm512_and_si512(v, _mm512_set1_epi8(0x0f))}; }
  VecU8 HighNibbles() const { return VecU8{_mm512_srli_epi16(v, 4)}.LowNibbles(); }
  template <int kShift, int kCount>
  VecU8 Bits() const {
    return {_mm512_and_si512(_mm512_srli_epi16(v, kShift), _mm512_set1_epi8((1 << kCount) - 1))};
  }
  template <int kShift>
  VecU8 WithBits(VecU8 bits) const {
    return {_mm512_or_si512(v, _mm512_slli_epi16(bits.v, kShift))};
  }
  void ToF32(VecF32 (&parts)[4]) const {
    for (int p = 0; p < 4; ++p) parts[p].v = _mm512_cvtepi32_ps(Lanes(p));
  }
  // Part `p` as 32-bit integers.
  __m512i Lanes(int p) const {
    // Byte 4 p + i of a block to the lowest byte of its lane i; an index with its top bit set gives
    // zero.
    const int i = 4 * p + static_cast<int>(0x80808000);
    return _mm512_shuffle_epi8(v, _mm512_set4_epi32(i + 3, i + 2, i + 1, i));
  }
};

struct VecTable16 {
  __m512 values;

  explicit VecTable16(const float* table) : values(_mm512_loadu_ps(table)) {}
  void Lookup(VecU8 codes, VecF32 (&parts)[4]) const {
    for (int p = 0; p < 4; ++p) parts[p].v = _mm512_permutexvar_ps(codes.Lanes(p), values);
  }
};

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
