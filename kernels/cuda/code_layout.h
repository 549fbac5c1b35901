#pragma once

#include <cstdint>

// Where a packed weight has its codes: the order in which the lanes of a warp need them as the left
// operand of mma.m16n8k16, so that a lane reads whole words, the warp 32 beside one another, and no
// code is moved between lanes.
// Plain arithmetic, for host and device. Source of the fragment layout: NVIDIA, "PTX ISA", matrix
// fragments for mma.m16n8k16 with 16-bit types.

#if defined(__CUDACC__)
#define QUIRE_HOST_DEVICE __host__ __device__
#else
#define QUIRE_HOST_DEVICE
#endif

namespace quire::kernels::cuda {

// A tile is 16 outputs; a unit is a tile's codes for 64 inputs, four slices of 16.
inline constexpr int kTileOutputs = 16;
inline constexpr int kUnitInputs = 64;
inline constexpr int kSliceInputs = 16;
inline constexpr int kUnitSlices = kUnitInputs / kSliceInputs;
inline constexpr int kUnitCodes = kTileOutputs * kUnitInputs;
inline constexpr int kLanes = 32;
inline constexpr int kLaneFields = kUnitCodes / kLanes / 2;  // in each half of a lane's words

// Bits of a unit's two planes. A plane holds the same bits of every code, 1, 2 or 4 of each, in
// words [bits, 32 lanes]; the high plane follows the low one.
struct CodePlanes {
  int low_bits;
  int high_bits;  // 0: none
};

// `code_bits`: 2, 3, 4, 5, 6 or 8.
QUIRE_HOST_DEVICE constexpr CodePlanes PlanesOf(int code_bits) {
  return code_bits == 8   ? CodePlanes{4, 4}
         : code_bits == 6 ? CodePlanes{4, 2}
         : code_bits == 5 ? CodePlanes{4, 1}
         : code_bits == 3 ? CodePlanes{2, 1}
                          : CodePlanes{code_bits, 0};
}

QUIRE_HOST_DEVICE constexpr int UnitBytes(int code_bits) { return kUnitCodes * code_bits / 8; }

// A code among the 32 of a lane: of two codes that stand in the halves of a word, the one in the
// low half is that of the lower input. Field 4 j + i of both halves is register i of slice j.
struct CodePlace {
  int lane;
  int field;  // [0, kLaneFields)
  int half;   // 0: bits 0 to 15 of a word, 1: bits 16 to 31
};

// Of output n of a tile and input k of a unit.
QUIRE_HOST_DEVICE constexpr CodePlace PlaceOf(int n, int k) {
  return {n % 8 * 4 + k % 8 / 2, k / kSliceInputs * 4 + n / 8 + k % kSliceInputs / 8 * 2, k % 2};
}

struct TilePoint {
  int output;
  int input;
};

// The inverse.
QUIRE_HOST_DEVICE constexpr TilePoint PointAt(const CodePlace& place) {
  return {
      place.lane / 4 + place.field % 2 * 8,
      place.field / 4 * kSliceInputs + place.field % 4 / 2 * 8 + place.lane % 4 * 2 + place.half};
}

// Where the bits of a place are in a plane of `bits` bits.
struct PlaneBits {
  int word;
  int shift;
};
QUIRE_HOST_DEVICE constexpr PlaneBits BitsOf(const CodePlace& place, int bits) {
  const int fields = 16 / bits;  // of half a word
  return {place.field / fields * kLanes + place.lane,
          place.field % fields * bits + place.half * 16};
}

// The code of a place in a unit.
QUIRE_HOST_DEVICE inline std::uint32_t CodeAt(const std::uint32_t* unit, const CodePlace& place,
                                              int code_bits) {
  const CodePlanes planes = PlanesOf(code_bits);
  const PlaneBits low = BitsOf(place, planes.low_bits);
  std::uint32_t code = unit[low.word] >> low.shift & ((1u << planes.low_bits) - 1u);
  if (planes.high_bits > 0) {
    const PlaneBits high = BitsOf(place, planes.high_bits);
    code |=
        (unit[kLanes * planes.low_bits + high.word] >> high.shift & ((1u << planes.high_bits) - 1u))
        << planes.low_bits;
  }
  return code;
}

// Word `index` of a unit. `code_at(n, k)` is the code of an output of the tile and an input of the
// unit.
template <typename CodeFunction>
QUIRE_HOST_DEVICE std::uint32_t MakeUnitWord(int index, int code_bits,
                                             const CodeFunction& code_at) {
  const CodePlanes planes = PlanesOf(code_bits);
  const bool is_low = index < kLanes * planes.low_bits;
  const int bits = is_low ? planes.low_bits : planes.high_bits;
  const int dropped = is_low ? 0 : planes.low_bits;  // bits of a code below the plane's
  const int word = is_low ? index : index - kLanes * planes.low_bits;
  const int fields = 16 / bits;
  std::uint32_t value = 0;
  for (int field = 0; field < fields; ++field) {
    for (int half = 0; half < 2; ++half) {
      const TilePoint point = PointAt({word % kLanes, word / kLanes * fields + field, half});
      const std::uint32_t code = code_at(point.output, point.input);
      value |= (code >> dropped & ((1u << bits) - 1u)) << (field * bits + half * 16);
    }
  }
  return value;
}

}  // namespace quire::kernels::cuda
