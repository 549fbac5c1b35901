#pragma once

#include <cstdint>

#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/vec-inl.h"

// The codes of one unit of a panel (microkernels.h) as floats. Four inputs make a step: Load puts
// the codes of every step into a register of bytes, ToF32 makes the floats of one step.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

constexpr int kVectorsOfPanel = kPanelOutputs / VecF32::kLanes;
static_assert(kPanelOutputs % VecF32::kLanes == 0);
// Bytes of a plane that one vector of outputs takes.
constexpr int kVectorBytes = 4 * VecF32::kLanes;

// Vector `v` of the plane at `plane`.
VecU8 LoadPlane(const char* plane, int v) {
  return VecU8::Load(reinterpret_cast<const std::uint8_t*>(plane) + v * kVectorBytes);
}

struct NumberCodes {
  explicit NumberCodes(const float*) {}
  void ToF32(VecU8 codes, VecF32 (&values)[4]) const { codes.ToF32(values); }
};

struct NibbleSteps {
  static constexpr int kSteps = 2;
  static void Load(const char* unit, int v, VecU8 (&steps)[kSteps]) {
    const VecU8 bytes = LoadPlane(unit, v);
    steps[0] = bytes.LowNibbles();
    steps[1] = bytes.HighNibbles();
  }
};

struct Int4Codes : NumberCodes, NibbleSteps {
  static constexpr CodeKind kKind = CodeKind::kInt4;
  using NumberCodes::NumberCodes;
};

struct Table4Codes : NibbleSteps {
  static constexpr CodeKind kKind = CodeKind::kTable4;
  explicit Table4Codes(const float* values) : table(values) {}
  void ToF32(VecU8 codes, VecF32 (&values)[4]) const { table.Lookup(codes, values); }

  VecTable16 table;
};

struct Int8Codes : NumberCodes {
  static constexpr CodeKind kKind = CodeKind::kInt8;
  static constexpr int kSteps = 1;
  using NumberCodes::NumberCodes;
  static void Load(const char* unit, int v, VecU8 (&steps)[kSteps]) {
    steps[0] = LoadPlane(unit, v);
  }
};

// Codes whose bits lie in planes of four, two and one.
template <CodeKind kOfKind>
struct PlaneCodes : NumberCodes {
  static constexpr CodeKind kKind = kOfKind;
  static constexpr UnitPlanes kPlanes = PlanesOf(kKind);
  static constexpr int kSteps = kPlanes.inputs / 4;
  static_assert(kSteps == 4);
  using NumberCodes::NumberCodes;

  static void Load(const char* unit, int v, VecU8 (&steps)[kSteps]) {
    if constexpr (kPlanes.nibbles >= 0) {
      const VecU8 first = LoadPlane(unit + kPlanes.nibbles, v);
      const VecU8 second = LoadPlane(unit + kPlanes.nibbles + kPlaneBytes, v);
      steps[0] = first.LowNibbles();
      steps[1] = first.HighNibbles();
      steps[2] = second.LowNibbles();
      steps[3] = second.HighNibbles();
    }
    if constexpr (kPlanes.pairs >= 0) {
      const VecU8 pairs = LoadPlane(unit + kPlanes.pairs, v);
      AddBits<2>(pairs.Bits<0, 2>(), steps[0]);
      AddBits<2>(pairs.Bits<2, 2>(), steps[1]);
      AddBits<2>(pairs.Bits<4, 2>(), steps[2]);
      AddBits<2>(pairs.Bits<6, 2>(), steps[3]);
    }
    if constexpr (kPlanes.bits >= 0) {
      // Half a plane: the second half of the bytes has its bits in the high nibbles.
      constexpr int kVectorsOfHalf = kVectorsOfPanel / 2;
      const VecU8 both = LoadPlane(unit + kPlanes.bits, v % kVectorsOfHalf);
      const VecU8 bits = v < kVectorsOfHalf ? both : both.HighNibbles();
      AddBits<1>(bits.Bits<0, 1>(), steps[0]);
      AddBits<1>(bits.Bits<1, 1>(), steps[1]);
      AddBits<1>(bits.Bits<2, 1>(), steps[2]);
      AddBits<1>(bits.Bits<3, 1>(), steps[3]);
    }
  }

 private:
  // Puts the `kCount` bits of a plane above those of the planes before it.
  template <int kCount>
  static void AddBits(VecU8 bits, VecU8& step) {
    constexpr int kBelow = kPlanes.nibbles >= 0 ? 4 : 2;
    if constexpr (kCount == 2 && kPlanes.nibbles < 0) {
      step = bits;
    } else {
      step = step.WithBits<kBelow>(bits);
    }
  }
};

using Int2Codes = PlaneCodes<CodeKind::kInt2>;
using Int3Codes = PlaneCodes<CodeKind::kInt3>;
using Int5Codes = PlaneCodes<CodeKind::kInt5>;
using Int6Codes = PlaneCodes<CodeKind::kInt6>;

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
