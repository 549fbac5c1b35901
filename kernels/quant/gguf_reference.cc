#include <cstring>

#include "kernels/half.h"
#include "kernels/quant/gguf_blocks.h"

// The definition of every block type, one weight at a time. Apart from gguf_blocks.cc, which reads
// whole blocks, so that each can be tested with the other.

namespace quire::kernels {
namespace {

float HalfAt(const std::uint8_t* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return F16ToF32(bits);
}

// Weight j of a block of 32 in nibbles: the second half stands above the first.
int NibbleOf32(const std::uint8_t* qs, int j) { return j < 16 ? qs[j] & 15 : qs[j - 16] >> 4; }

int FifthBitOf32(const std::uint8_t* qh, int j) { return (qh[j / 8] >> (j % 8) & 1) << 4; }

// Weight j of Q4_K and Q5_K: 64 weights share 32 bytes.
int NibbleOf256(const std::uint8_t* qs, int j) {
  const std::uint8_t byte = qs[j / 64 * 32 + j % 32];
  return j % 64 < 32 ? byte & 15 : byte >> 4;
}

// Two bits of weight j: 128 weights share 32 bytes.
int PairOf256(const std::uint8_t* qs, int j) {
  return qs[j / 128 * 32 + j % 32] >> (j % 128 / 32 * 2) & 3;
}

struct ScaleAndMinimum {
  int scale;
  int minimum;
};
ScaleAndMinimum SixBits(const std::uint8_t* s, int g) {
  if (g < 4) return {s[g] & 63, s[g + 4] & 63};
  return {(s[g + 4] & 15) | (s[g - 4] >> 6) << 4, (s[g + 4] >> 4) | (s[g] >> 6) << 4};
}

float Q2_K(const std::uint8_t* b, int j) {
  const int packed = b[j / 16];
  const float scale = HalfAt(b + 80) * static_cast<float>(packed & 15);
  const float minimum = HalfAt(b + 82) * static_cast<float>(packed >> 4);
  return scale * static_cast<float>(PairOf256(b + 16, j)) - minimum;
}

float Q3_K(const std::uint8_t* b, int j) {
  const int g = j / 16;
  const std::uint8_t* s = b + 96;
  const int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4;
  const int high = s[8 + g % 4] >> (2 * (g / 4)) & 3;
  const float scale = HalfAt(b + 108) * static_cast<float>(low + 16 * high - 32);
  const bool has_mask_bit = (b[j % 32] >> (j / 32) & 1) != 0;
  return scale * static_cast<float>(PairOf256(b + 32, j) - (has_mask_bit ? 0 : 4));
}

float Q4_K(const std::uint8_t* b, int j) {
  const ScaleAndMinimum s = SixBits(b + 4, j / 32);
  const float scale = HalfAt(b) * static_cast<float>(s.scale);
  const float minimum = HalfAt(b + 2) * static_cast<float>(s.minimum);
  return scale * static_cast<float>(NibbleOf256(b + 16, j)) - minimum;
}

float Q5_K(const std::uint8_t* b, int j) {
  const ScaleAndMinimum s = SixBits(b + 4, j / 32);
  const float scale = HalfAt(b) * static_cast<float>(s.scale);
  const float minimum = HalfAt(b + 2) * static_cast<float>(s.minimum);
  const int fifth = (b[16 + j % 32] >> (j / 32) & 1) << 4;
  return scale * static_cast<float>(NibbleOf256(b + 48, j) + fifth) - minimum;
}

float Q6_K(const std::uint8_t* b, int j) {
  const int half = j / 128;
  const int quarter = j % 128 / 32;
  const std::uint8_t low = b[64 * half + 32 * (quarter % 2) + j % 32];
  const int code = (quarter < 2 ? low & 15 : low >> 4) + 16 * PairOf256(b + 128, j);
  const auto multiple = static_cast<std::int8_t>(b[192 + j / 16]);
  return HalfAt(b + 208) * static_cast<float>(multiple) * static_cast<float>(code - 32);
}

float Iq4_XS(const std::uint8_t* b, int j) {
  const int g = j / 32;
  const int low = b[4 + g / 2] >> (4 * (g % 2)) & 15;
  const int high = (b[2] | b[3] << 8) >> (2 * g) & 3;
  const int code = NibbleOf32(b + 8 + 16 * g, j % 32);
  return HalfAt(b) * static_cast<float>(low + 16 * high - 32) *
         kIq4Values[static_cast<std::size_t>(code)];
}

float ValueInBlock(GgufBlockType type, const std::uint8_t* b, int j) {
  switch (type) {
    case GgufBlockType::kQ4_0:
      return HalfAt(b) * static_cast<float>(NibbleOf32(b + 2, j) - 8);
    case GgufBlockType::kQ4_1:
      return HalfAt(b) * static_cast<float>(NibbleOf32(b + 4, j)) + HalfAt(b + 2);
    case GgufBlockType::kQ5_0:
      return HalfAt(b) * static_cast<float>(NibbleOf32(b + 6, j) + FifthBitOf32(b + 2, j) - 16);
    case GgufBlockType::kQ5_1:
      return HalfAt(b) * static_cast<float>(NibbleOf32(b + 8, j) + FifthBitOf32(b + 4, j)) +
             HalfAt(b + 2);
    case GgufBlockType::kQ8_0:
      return HalfAt(b) * static_cast<float>(static_cast<std::int8_t>(b[2 + j]));
    case GgufBlockType::kQ2_K:
      return Q2_K(b, j);
    case GgufBlockType::kQ3_K:
      return Q3_K(b, j);
    case GgufBlockType::kQ4_K:
      return Q4_K(b, j);
    case GgufBlockType::kQ5_K:
      return Q5_K(b, j);
    case GgufBlockType::kQ6_K:
      return Q6_K(b, j);
    case GgufBlockType::kIQ4_NL:
      return HalfAt(b) * kIq4Values[static_cast<std::size_t>(NibbleOf32(b + 2, j))];
    case GgufBlockType::kIQ4_XS:
      return Iq4_XS(b, j);
  }
  return 0;
}

}  // namespace

std::vector<float> DecodeGguf(const GgufBlocks& blocks) {
  const GgufBlockSize& size = SizeOf(blocks.type);
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(blocks.out * blocks.in));
  const std::int64_t num_blocks = blocks.out * (blocks.in / size.inputs);
  for (std::int64_t i = 0; i < num_blocks; ++i) {
    for (int j = 0; j < size.inputs; ++j) {
      values.push_back(ValueInBlock(blocks.type, blocks.blocks + i * size.bytes, j));
    }
  }
  return values;
}

}  // namespace quire::kernels
