#pragma once

#include <cstdint>

#include "kernels/cpu/microkernels.h"

// The code of output `n` of a panel for input `i` of a unit, one at a time: for packing and for row
// lookup. PlanesOf (microkernels.h) says where its bits are.

namespace quire::kernels::cpu {

// Where the code of one output and input starts.
struct PlaceInUnit {
  int byte;  // of a plane
  int step;  // 0 to 3: which of the inputs that share the byte

  static PlaceInUnit Of(int n, int i) { return {n / 4 * 16 + i % 4 * 4 + n % 4, i / 4}; }
};

// Adds the code to a unit of zeros.
inline void PutCode(const UnitPlanes& planes, int n, int i, int code, char* unit) {
  const PlaceInUnit place = PlaceInUnit::Of(n, i);
  const auto put = [&](int at, int shift, int mask) {
    unit[at] = static_cast<char>(unit[at] | (code & mask) << shift);
  };
  if (planes.inputs == 4) return put(place.byte, 0, 255);
  if (planes.nibbles >= 0) {
    put(planes.nibbles + place.step / 2 * kPlaneBytes + place.byte, place.step % 2 * 4, 15);
    code >>= 4;
  }
  if (planes.pairs >= 0) {
    put(planes.pairs + place.byte, place.step * 2, 3);
    code >>= 2;
  }
  if (planes.bits >= 0) {
    constexpr int kHalf = kPlaneBytes / 2;
    put(planes.bits + place.byte % kHalf, place.byte / kHalf * 4 + place.step, 1);
  }
}

inline int GetCode(const UnitPlanes& planes, int n, int i, const char* unit) {
  const PlaceInUnit place = PlaceInUnit::Of(n, i);
  const auto get = [&](int at, int shift, int mask) {
    return static_cast<std::uint8_t>(unit[at]) >> shift & mask;
  };
  if (planes.inputs == 4) return get(place.byte, 0, 255);
  int code = 0;
  int below = 0;
  if (planes.nibbles >= 0) {
    code = get(planes.nibbles + place.step / 2 * kPlaneBytes + place.byte, place.step % 2 * 4, 15);
    below = 4;
  }
  if (planes.pairs >= 0) {
    code |= get(planes.pairs + place.byte, place.step * 2, 3) << below;
    below += 2;
  }
  if (planes.bits >= 0) {
    constexpr int kHalf = kPlaneBytes / 2;
    code |= get(planes.bits + place.byte % kHalf, place.byte / kHalf * 4 + place.step, 1) << below;
  }
  return code;
}

}  // namespace quire::kernels::cpu
