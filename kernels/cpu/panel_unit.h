#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/microkernels.h"

// Units of a panel written whole, for packing, and read code by code, for row lookup. PlanesOf
// (microkernels.h) says where the bits of a code are.

namespace quire::kernels::cpu {

// Four codes of one output, a byte each.
using Word = std::uint32_t;
static_assert(std::endian::native == std::endian::little);
// What four outputs have in 16 bytes of a plane.
using Block = std::uint8_t __attribute__((vector_size(16)));
inline constexpr int kBlocksPerPlane = kPanelOutputs / 4;

// Bytes p of the words of four outputs side by side, for p from 0 to 3.
inline Block Interleave(const std::array<Word, 4>& outputs) {
  auto bytes = std::bit_cast<Block>(outputs);
  for (int round = 0; round < 2; ++round) {
    bytes =
        __builtin_shufflevector(bytes, bytes, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  }
  return bytes;
}

// The codes of one output in a unit, input 4 s + p in byte p of word s, and what is left of them
// while planes take their bits.
struct OutputCodes {
  std::array<Word, 4> words = {};

  // Takes the lowest `kCount` bits of every code in `num_words` words from `first` on, those of the
  // w-th at bit kCount * w.
  template <int kCount>
  Word Take(std::size_t first, std::size_t num_words) {
    constexpr Word kEveryByte = 0x01010101;
    Word taken = 0;
    for (std::size_t w = 0; w < num_words; ++w) {
      Word& word = words[first + w];
      taken |= (word & kEveryByte * ((1u << kCount) - 1)) << (kCount * w);
      word = word >> kCount & kEveryByte * (0xFFu >> kCount);
    }
    return taken;
  }
};
using BlockCodes = std::array<OutputCodes, 4>;

template <int kCount>
void StorePlane(BlockCodes& codes, std::size_t first, std::size_t num_words, char* to) {
  std::array<Word, 4> taken;
  for (std::size_t n = 0; n < 4; ++n) taken[n] = codes[n].Take<kCount>(first, num_words);
  const Block block = Interleave(taken);
  std::memcpy(to, &block, sizeof(block));
}

// Single bits: the second half of the blocks has the high nibbles of the first one's bytes.
inline void StoreBits(BlockCodes& codes, int block, char* plane) {
  std::array<Word, 4> taken;
  for (std::size_t n = 0; n < 4; ++n) taken[n] = codes[n].Take<1>(0, 4);
  Block bits = Interleave(taken);
  char* const to = plane + block % (kBlocksPerPlane / 2) * 16;
  if (block >= kBlocksPerPlane / 2) {
    Block low;
    std::memcpy(&low, to, sizeof(low));
    bits = low | bits << 4;
  }
  std::memcpy(to, &bits, sizeof(bits));
}

template <int kInputs>
void WriteUnitOf(const UnitPlanes& planes, const std::uint8_t* codes, std::int64_t stride,
                 char* unit) {
  for (int block = 0; block < kBlocksPerPlane; ++block) {
    BlockCodes outputs;
    for (OutputCodes& output : outputs) {
      std::memcpy(output.words.data(), codes, kInputs);
      codes += stride;
    }
    char* const at = unit + block * 16;
    if constexpr (kInputs == 4) {
      StorePlane<8>(outputs, 0, 1, at);
    } else if constexpr (kInputs == 8) {
      StorePlane<4>(outputs, 0, 2, at);
    } else {
      if (planes.nibbles >= 0) {
        StorePlane<4>(outputs, 0, 2, at + planes.nibbles);
        StorePlane<4>(outputs, 2, 2, at + planes.nibbles + kPlaneBytes);
      }
      if (planes.pairs >= 0) StorePlane<2>(outputs, 0, 4, at + planes.pairs);
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
