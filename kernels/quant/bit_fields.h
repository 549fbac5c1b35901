#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

// Fields of a few bits that fill 32-bit words, the lowest bits first; and eight of them at a time,
// as every processor can: packing runs over each weight once at load.

namespace quire::kernels {

// Field `index` of a sequence whose word w is words[w * stride]. A field may cross into the next
// word, as with 3 bits.
inline std::uint32_t BitField(const std::uint32_t* words, std::int64_t stride, int bits,
                              std::int64_t index) {
  const std::int64_t first_bit = index * bits;
  const std::int64_t word = first_bit / 32;
  const int shift = static_cast<int>(first_bit % 32);
  std::uint64_t window = words[word * stride];
  if (shift + bits > 32) window |= std::uint64_t{words[(word + 1) * stride]} << 32;
  return static_cast<std::uint32_t>(window >> shift) & ((1u << bits) - 1u);
}

static_assert(std::endian::native == std::endian::little);

inline std::uint64_t LoadBytes8(const void* from) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, from, sizeof(bytes));
  return bytes;
}
inline void StoreBytes8(std::uint64_t bytes, void* to) { std::memcpy(to, &bytes, sizeof(bytes)); }

// `byte` eight times.
constexpr std::uint64_t EveryByte(std::uint8_t byte) { return 0x0101010101010101u * byte; }

// The lowest eight fields of `bits` (1 to 8), a byte each, the first one lowest.
constexpr std::uint64_t SpreadFields(std::uint64_t fields, int bits) {
  const std::uint64_t half = (std::uint64_t{1} << (4 * bits)) - 1;
  const std::uint64_t quarter = (std::uint64_t{1} << (2 * bits)) - 1;
  const std::uint64_t one = (std::uint64_t{1} << bits) - 1;
  fields = (fields & half) | (fields >> (4 * bits) & half) << 32;
  fields = (fields & quarter * 0x100000001u) | (fields >> (2 * bits) & quarter * 0x100000001u)
                                                   << 16;
  return (fields & one * 0x0001000100010001u) | (fields >> bits & one * 0x0001000100010001u) << 8;
}

// Eight rows of eight bytes.
using Bytes8x8 = std::array<std::uint64_t, 8>;

// Makes byte i of row j byte j of row i: squares of four, two and one change places.
constexpr void Transpose(Bytes8x8& rows) {
  constexpr std::array<std::uint64_t, 3> kKept = {0x00000000FFFFFFFFu, 0x0000FFFF0000FFFFu,
                                                  0x00FF00FF00FF00FFu};
  std::size_t step = 4;
  for (const std::uint64_t kept : kKept) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if ((row & step) != 0) continue;
      const std::uint64_t upper = rows[row];
      const std::uint64_t lower = rows[row + step];
      rows[row] = (upper & kept) | (lower & kept) << (8 * step);
      rows[row + step] = (upper >> (8 * step) & kept) | (lower & ~kept);
    }
    step /= 2;
  }
}

}  // namespace quire::kernels
