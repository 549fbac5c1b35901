#pragma once

#include <cstdint>

// Fields of a few bits that fill 32-bit words, the lowest bits first.

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

}  // namespace quire::kernels
