#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/microkernels.h"
#include "kernels/quant/bit_fields.h"

// Units of a panel written whole, for packing, and read code by code, for row lookup. PlanesOf
// (microkernels.h) says where the bits of a code are.

namespace quire::kernels::cpu {

// A byte for each of four inputs of one output.
using Word = std::uint32_t;
// What four outputs have in 16 bytes of a plane.
using Block = std::uint8_t __attribute__((vector_size(16)));
inline constexpr int kBlocksPerPlane = kPanelOutputs / 4;

// Bytes p of the words of four outputs side by side, for p from 0 to 3; word(n) gives the word of
// output n. Written out, and two shuffles a round: compilers would pass the words through memory
// and take the bytes one by one.
template <typename WordOf>
Block Interleave(WordOf word) {
  using Halves = std::uint64_t __attribute__((vector_size(16)));
  Halves halves = {word(0) | std::uint64_t{word(1)} << 32, word(2) | std::uint64_t{word(3)} << 32};
  Block bytes;
  for (int round = 0; round < 2; ++round) {
    bytes = std::bit_cast<Block>(halves);
    const auto upper = std::bit_cast<Block>(__builtin_shufflevector(halves, halves, 1, 1));
    bytes = __builtin_shufflevector(bytes, upper, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                    7, 23);
    halves = std::bit_cast<Halves>(bytes);
  }
  return bytes;
}

// The codes of one output in a unit, a byte each, and what is left of them while planes take their
// bits.
struct OutputCodes {
  std::array<std::uint64_t, 2> eights = {};

  // Takes the lowest `kCount` bits of the codes of input p, p + 4 and so on for p from 0 to 3, as
  // byte p with the first one lowest: of kNumEights times eight inputs from eights[first] on.
  template <int kCount, std::size_t kNumEights>
  Word Take(std::size_t first) {
    constexpr std::uint64_t kLow = EveryByte((1 << kCount) - 1);
    std::uint64_t taken = 0;
    for (std::size_t i = 0; i < kNumEights; ++i) {
      std::uint64_t& codes = eights[first + i];
      taken |= (codes & kLow) << (2 * kCount * i);
      codes = codes >> kCount & EveryByte(0xFF >> kCount);
    }
    return static_cast<Word>(taken | taken >> (32 - kCount));
  }
};
using BlockCodes = std::array<OutputCodes, 4>;

inline void StoreBlock(Block block, char* to) { std::memcpy(to, &block, sizeof(block)); }

template <int kCount, std::size_t kNumEights>
void StorePlane(BlockCodes& codes, std::size_t first, char* to) {
  StoreBlock(
      Interleave([&](std::size_t n) { return codes[n].template Take<kCount, kNumEights>(first); }),
      to);
}

// Single bits: the second half of the blocks has the high nibbles of the first one's bytes.
inline void StoreBits(BlockCodes& codes, int block, char* plane) {
  Block bits = Interleave([&](std::size_t n) { return codes[n].Take<1, 2>(0); });
  char* const to = plane + block % (kBlocksPerPlane / 2) * 16;
  if (block >= kBlocksPerPlane / 2) {
    Block low;
    std::memcpy(&low, to, sizeof(low));
    bits = low | bits << 4;
  }
  StoreBlock(bits, to);
}

template <int kInputs>
void WriteUnitOf(const UnitPlanes& planes, const std::uint8_t* codes, std::int64_t stride,
                 char* unit) {
  for (int block = 0; block < kBlocksPerPlane; ++block) {
    char* const at = unit + block * 16;
    if constexpr (kInputs == 4) {
      StoreBlock(Interleave([&](std::size_t n) {
                   Word word = 0;
                   std::memcpy(&word, codes + static_cast<std::int64_t>(n) * stride, kInputs);
                   return word;
                 }),
                 at);
      codes += 4 * stride;
      continue;
    }
    BlockCodes outputs;
    for (OutputCodes& output : outputs) {
      std::memcpy(output.eights.data(), codes, kInputs);
      codes += stride;
    }
    if constexpr (kInputs == 8) {
      StorePlane<4, 1>(outputs, 0, at);
    } else {
      if (planes.nibbles >= 0) {
        StorePlane<4, 1>(outputs, 0, at + planes.nibbles);
        StorePlane<4, 1>(outputs, 1, at + planes.nibbles + kPlaneBytes);
      }
      if (planes.pairs >= 0) StorePlane<2, 2>(outputs, 0, at + planes.pairs);
      if (planes.bits >= 0) StoreBits(outputs, block, unit + planes.bits);
    }
  }
}

// Writes a unit: output n has the `planes.inputs` codes from codes + n * stride on.
inline void WriteUnit(const UnitPlanes& planes, const std::uint8_t* codes, std::int64_t stride,
                      char* unit) {
  switch (planes.inputs) {
    case 4:
      return WriteUnitOf<4>(planes, codes, stride, unit);
    case 8:
      return WriteUnitOf<8>(planes, codes, stride, unit);
    default:
      return WriteUnitOf<16>(planes, codes, stride, unit);
  }
}

// Where the code of one output and input starts.
struct PlaceInUnit {
  int byte;  // of a plane
  int step;  // 0 to 3: which of the inputs that share the byte

  static PlaceInUnit Of(int n, int i) { return {n / 4 * 16 + i % 4 * 4 + n % 4, i / 4}; }
};

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
