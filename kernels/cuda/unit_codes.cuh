#pragma once

#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>

#include "kernels/cuda/code_layout.h"
#include "kernels/cuda/product.h"
#include "kernels/cuda/ptx.cuh"

// From the bytes of a unit to left operands of mma.m16n8k16. Codes become exact f16 numbers:
// integers up to 2,048 are.

namespace quire::kernels::cuda {

// 1,024 in both halves. Codes below 1,024 in its low bits make 1,024 + code.
inline constexpr std::uint32_t kHalves1024 = 0x64006400u;

__device__ inline std::uint32_t BitsOfHalf2(__half2 value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}
__device__ inline __half2 Half2OfBits(std::uint32_t bits) {
  __half2 value;
  memcpy(&value, &bits, sizeof(bits));
  return value;
}
// a - b in both halves.
__device__ inline std::uint32_t SubtractHalves(std::uint32_t a, std::uint32_t b) {
  return BitsOfHalf2(__hsub2(Half2OfBits(a), Half2OfBits(b)));
}
// 1,024 + zero in both halves, for zero an integer in [0, 256].
__device__ inline std::uint32_t HalvesOfZero(float zero) {
  return BitsOfHalf2(__float2half2_rn(1024.0f + zero));
}

// The bits of one lane and slice in a plane of kBits bits.
template <int kBits>
struct PlaneSlice {
  std::uint32_t word;

  __device__ void Load(const std::uint32_t* plane, int slice, int lane) {
    constexpr int kFields = 16 / kBits;  // of half a word; a slice has four of them
    word = plane[slice * 4 / kFields * kLanes + lane] >> (slice * 4 % kFields * kBits);
  }
  // Field i of the slice in both halves, `left` bits further left than in a number.
  __device__ std::uint32_t Fields(int i, int left) const {
    constexpr std::uint32_t kMask = ((1u << kBits) - 1u) * 0x00010001u;
    const int shift = i * kBits - left;
    return (shift >= 0 ? word >> shift : word << -shift) & (kMask << left);
  }
};
template <>
struct PlaneSlice<0> {
  __device__ void Load(const std::uint32_t*, int, int) {}
  __device__ std::uint32_t Fields(int, int) const { return 0; }
};

// The codes of one lane and slice of a unit.
template <int kCodeBits>
struct SliceCodes {
  static constexpr CodePlanes kPlanes = PlanesOf(kCodeBits);

  PlaneSlice<kPlanes.low_bits> low;
  PlaneSlice<kPlanes.high_bits> high;

  __device__ void Load(const std::uint32_t* unit, int slice, int lane) {
    low.Load(unit, slice, lane);
    high.Load(unit + kLanes * kPlanes.low_bits, slice, lane);
  }
  // The two codes of register i, in the halves of a word.
  __device__ std::uint32_t Pair(int i) const {
    return low.Fields(i, 0) | high.Fields(i, kPlanes.low_bits);
  }
};

// Copies `count` pieces of `bytes` each, a multiple of 16; from(i) is where piece i comes from, or
// null. All threads of the block take part.
template <typename From>
__device__ void CopyPieces(std::uint8_t* to, int count, int bytes, const From& from) {
  const int chunks = bytes / 16;
  for (int i = threadIdx.x; i < count * chunks; i += kProductThreads) {
    const int piece = i / chunks;
    const std::uint8_t* source = from(piece);
    if (source != nullptr) CpAsync16(to + i * 16, source + i % chunks * 16, 16);
  }
}

// Copies the codes of unit `unit` of `tiles` tiles from `first_tile` on; tiles beyond the last are
// left out.
template <int kUnitBytes>
__device__ void LoadPackedUnits(const WeightView& w, int first_tile, int tiles, int unit,
                                std::uint8_t* to) {
  CopyPieces(to, tiles, kUnitBytes, [&](int i) -> const std::uint8_t* {
    const int tile = first_tile + i;
    if (tile >= w.tiles) return nullptr;
    return w.codes + (static_cast<std::int64_t>(tile) * w.units + unit) * kUnitBytes;
  });
}

// Each of the following is what a product needs of one kind of weight: the type of its left
// operands, how a block loads the bytes of a unit and how a lane makes its registers of them.
// kTableBytes are in shared memory for the whole product.

// Codes that are numbers: left operands are code - zero.
template <int kBits>
struct IntegerCodes {
  using Element = __half;
  static constexpr bool kHasGranules = true;
  static constexpr int kUnitBytes = UnitBytes(kBits);
  static constexpr int kTerms = 1;
  static constexpr int kTableBytes = 0;

  __device__ static void FillTable(const WeightView&, std::uint8_t*) {}
  __device__ static void LoadUnits(const WeightView& w, int first_tile, int tiles, int unit,
                                   std::uint8_t* to) {
    LoadPackedUnits<kUnitBytes>(w, first_tile, tiles, unit, to);
  }
  // `zeros`: HalvesOfZero for the outputs g and g + 8 of the lane.
  __device__ static void Fragment(const std::uint8_t* unit, int slice, int lane,
                                  const std::uint32_t (&zeros)[2], const std::uint8_t*,
                                  std::uint32_t (&a)[kTerms][4]) {
    SliceCodes<kBits> codes;
    codes.Load(reinterpret_cast<const std::uint32_t*>(unit), slice, lane);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      a[0][i] = SubtractHalves(codes.Pair(i) | kHalves1024, zeros[i % 2]);
    }
  }
};

// Codes of 4 bits that stand for one of 16 values, as the sum of kTableTerms f16 numbers: with two
// the error is below 2^-22 of the value. The table has the terms of both codes of a pair in one
// place, for each of the 256 pairs, kCopies times beside one another: lane l reads copy l %
// kCopies, so that lanes that read together meet in few banks.
template <int kTableTerms, int kCopies>
struct TableCodes {
  using Element = __half;
  static constexpr bool kHasGranules = true;
  static constexpr int kUnitBytes = UnitBytes(4);
  static constexpr int kTerms = kTableTerms;
  static constexpr int kTableBytes = 256 * kCopies * kTableTerms * 4;

  // By all threads of the block.
  __device__ static void FillTable(const WeightView& w, std::uint8_t* table) {
    auto* words = reinterpret_cast<std::uint32_t*>(table);
    for (int place = threadIdx.x; place < 256 * kCopies; place += kProductThreads) {
      const int pair = place / kCopies;
      float rest[2] = {w.table[pair % 16] * w.table_factor, w.table[pair / 16] * w.table_factor};
#pragma unroll
      for (int term = 0; term < kTableTerms; ++term) {
        const std::uint32_t rounded = PackHalves<__half>(rest[0], rest[1]);
        words[place * kTableTerms + term] = rounded;
        const float2 taken = __half22float2(Half2OfBits(rounded));
        rest[0] -= taken.x;
        rest[1] -= taken.y;
      }
    }
  }
  __device__ static void LoadUnits(const WeightView& w, int first_tile, int tiles, int unit,
                                   std::uint8_t* to) {
    LoadPackedUnits<kUnitBytes>(w, first_tile, tiles, unit, to);
  }
  __device__ static void Fragment(const std::uint8_t* unit, int slice, int lane,
                                  const std::uint32_t (&)[2], const std::uint8_t* table,
                                  std::uint32_t (&a)[kTerms][4]) {
    SliceCodes<4> codes;
    codes.Load(reinterpret_cast<const std::uint32_t*>(unit), slice, lane);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t pair = codes.Pair(i);
      const std::uint32_t place = ((pair | pair >> 12) & 0xffu) * kCopies + lane % kCopies;
      if constexpr (kTerms == 2) {
        const uint2 both = reinterpret_cast<const uint2*>(table)[place];
        a[0][i] = both.x;
        a[1][i] = both.y;
      } else {
        a[0][i] = reinterpret_cast<const std::uint32_t*>(table)[place];
      }
    }
  }
};

// A plain weight of 16-bit elements, row by row as files have it. Rows are aligned to 16 bytes and
// whole chunks of 8 elements. In shared memory chunk c of row n lies at c ^ n % 8, so that the
// eight rows of a matrix that ldmatrix reads are in different banks.
template <typename T>
struct PlainElements {
  using Element = T;
  static constexpr bool kHasGranules = false;
  static constexpr int kRowBytes = kUnitInputs * static_cast<int>(sizeof(T));
  static constexpr int kUnitBytes = kTileOutputs * kRowBytes;
  static constexpr int kTerms = 1;
  static constexpr int kTableBytes = 0;

  __device__ static void FillTable(const WeightView&, std::uint8_t*) {}
  __device__ static void LoadUnits(const WeightView& w, int first_tile, int tiles, int unit,
                                   std::uint8_t* to) {
    constexpr int kChunks = kRowBytes / 16;
    const auto* const elements = reinterpret_cast<const T*>(w.codes);
    for (int i = threadIdx.x; i < tiles * kTileOutputs * kChunks; i += kProductThreads) {
      const int chunk = i % kChunks;
      const int n = i / kChunks;  // from the first output of first_tile on
      const std::int64_t row = static_cast<std::int64_t>(first_tile) * kTileOutputs + n;
      const std::int64_t k = static_cast<std::int64_t>(unit) * kUnitInputs + chunk * 8;
      if (row >= w.out) continue;
      // Beyond the row there are zeros.
      const bool is_inside = k < w.in;
      CpAsync16(to + n * kRowBytes + (chunk ^ n % 8) * 16,
                elements + row * w.plain_stride + (is_inside ? k : 0), is_inside ? 16 : 0);
    }
  }
  __device__ static void Fragment(const std::uint8_t* unit, int slice, int lane,
                                  const std::uint32_t (&)[2], const std::uint8_t*,
                                  std::uint32_t (&a)[kTerms][4]) {
    // The matrices: outputs 0 to 7 and 8 to 15 of the first 8 inputs, then of the others.
    const int row = lane % 16;
    const int chunk = slice * 2 + lane / 16;
    LdMatrix4(a[0], unit + row * kRowBytes + (chunk ^ row % 8) * 16);
  }
};

}  // namespace quire::kernels::cuda
