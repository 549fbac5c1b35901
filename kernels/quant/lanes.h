#pragma once

#include <cstdint>
#include <cstring>

// Four numbers at a time, as every processor can: for what runs once per weight at load and must
// give the same bits on each. What runs per token is in kernels/cpu.

namespace quire::kernels {

inline constexpr int kQuantLanes = 4;
using Floats = float __attribute__((vector_size(16)));
using Ints = std::int32_t __attribute__((vector_size(16)));

inline Floats Splat(float value) { return Floats{value, value, value, value}; }

inline Floats LoadFloats(const float* from) {
  Floats floats;
  std::memcpy(&floats, from, sizeof(floats));
  return floats;
}

// The lowest byte of each.
inline void StoreBytes(Ints from, std::uint8_t* to) {
  for (int lane = 0; lane < kQuantLanes; ++lane) to[lane] = static_cast<std::uint8_t>(from[lane]);
}

}  // namespace quire::kernels
