#include "kernels/quant/gguf_blocks.h"

#include <array>
#include <cstring>

#include "kernels/half.h"
#include "kernels/quant/bit_fields.h"

namespace quire::kernels {
namespace {

constexpr int kMaxBlockGroups = 16;

// The scales of one block: group g has scale_step * scales[g] and shift_step * shifts[g].
struct BlockScales {
  float scale_step = 0;
  float shift_step = 0;
  std::array<std::int8_t, kMaxBlockGroups> scales = {1};
  std::array<std::int8_t, kMaxBlockGroups> shifts = {1};
};

using ReadBlockCodes = void(const std::uint8_t* block, std::uint8_t* codes);
using ReadBlockScales = void(const std::uint8_t* block, BlockScales& to);

struct BlockFormat {
  GgufBlockSize size;
  int group_inputs;
  int code_bits;
  CodeShift shift;
  float constant_zero;
  bool has_table;
  ReadBlockCodes* codes;
  ReadBlockScales* scales;

  bool is_stepped() const { return group_inputs != size.inputs; }
  std::int64_t groups() const { return size.inputs / group_inputs; }
};

float Half(const std::uint8_t* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return F16ToF32(bits);
}

// --- Codes --------------------------------------------------------------------------------------

// `count` bytes: the low nibbles to codes[0 ...), the high ones to codes[count ...).
void SplitNibbles(const std::uint8_t* from, int count, std::uint8_t* codes) {
  for (int i = 0; i < count; ++i) {
    codes[i] = from[i] & 15;
    codes[i + count] = from[i] >> 4;
  }
}

// Adds bit i of a word of 32 bits to code i as bit 4.
void AddFifthBits(const std::uint8_t* word, std::uint8_t* codes) {
  for (int i = 0; i < 32; i += 8) {
    StoreBytes8(LoadBytes8(codes + i) | SpreadFields(word[i / 8], 1) << 4, codes + i);
  }
}

// 64 bytes: 32 at a time hold four runs of 32 codes, one above the other. They come out as bits
// `at` and `at` + 1 of codes that have none there.
void AddPairsOfBits(const std::uint8_t* from, int at, std::uint8_t* codes) {
  for (int i = 0; i < 256; i += 8) {
    const std::uint64_t bytes = LoadBytes8(from + i / 128 * 32 + i % 32);
    const std::uint64_t pairs = bytes >> (2 * (i % 128 / 32)) & EveryByte(3);
    StoreBytes8(LoadBytes8(codes + i) | pairs << at, codes + i);
  }
}

// 32 bytes: bit j of byte i comes out as bit `at` of code 32 j + i, which has none there.
void AddBits(const std::uint8_t* from, int at, std::uint8_t* codes) {
  for (int i = 0; i < 256; i += 8) {
    const std::uint64_t bits = LoadBytes8(from + i % 32) >> (i / 32) & EveryByte(1);
    StoreBytes8(LoadBytes8(codes + i) | bits << at, codes + i);
  }
}

void CodesOfQ4(const std::uint8_t* block, std::uint8_t* codes) {
  SplitNibbles(block + 2, 16, codes);
}
void CodesOfQ4_1(const std::uint8_t* block, std::uint8_t* codes) {
  SplitNibbles(block + 4, 16, codes);
}
void CodesOfQ5_0(const std::uint8_t* block, std::uint8_t* codes) {
  SplitNibbles(block + 6, 16, codes);
  AddFifthBits(block + 2, codes);
}
void CodesOfQ5_1(const std::uint8_t* block, std::uint8_t* codes) {
  SplitNibbles(block + 8, 16, codes);
  AddFifthBits(block + 4, codes);
}
void CodesOfQ8_0(const std::uint8_t* block, std::uint8_t* codes) {
  for (int i = 0; i < 32; ++i) codes[i] = block[2 + i] ^ 0x80;
}
void CodesOfQ2_K(const std::uint8_t* block, std::uint8_t* codes) {
  std::memset(codes, 0, 256);
  AddPairsOfBits(block + 16, 0, codes);
}
void CodesOfQ3_K(const std::uint8_t* block, std::uint8_t* codes) {
  std::memset(codes, 0, 256);
  AddPairsOfBits(block + 32, 0, codes);
  AddBits(block, 2, codes);
}
void CodesOfQ4_K(const std::uint8_t* block, std::uint8_t* codes) {
  for (int i = 0; i < 4; ++i) SplitNibbles(block + 16 + 32 * i, 32, codes + 64 * i);
}
void CodesOfQ5_K(const std::uint8_t* block, std::uint8_t* codes) {
  for (int i = 0; i < 4; ++i) SplitNibbles(block + 48 + 32 * i, 32, codes + 64 * i);
  AddBits(block + 16, 4, codes);
}
void CodesOfQ6_K(const std::uint8_t* block, std::uint8_t* codes) {
  for (int half = 0; half < 2; ++half) SplitNibbles(block + 64 * half, 64, codes + 128 * half);
  AddPairsOfBits(block + 128, 4, codes);
}
void CodesOfIq4_XS(const std::uint8_t* block, std::uint8_t* codes) {
  for (int i = 0; i < 8; ++i) SplitNibbles(block + 8 + 16 * i, 16, codes + 32 * i);
}

// --- Scales -------------------------------------------------------------------------------------

void OneScale(const std::uint8_t* block, BlockScales& to) { to.scale_step = Half(block); }

void ScaleAndOffset(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block);
  to.shift_step = Half(block + 2);
}

void ScalesOfQ2_K(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block + 80);
  to.shift_step = -Half(block + 82);
  for (std::size_t g = 0; g < 16; ++g) {
    to.scales[g] = static_cast<std::int8_t>(block[g] & 15);
    to.shifts[g] = static_cast<std::int8_t>(block[g] >> 4);
  }
}

void ScalesOfQ3_K(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block + 108);
  const std::uint8_t* packed = block + 96;
  for (std::size_t g = 0; g < 16; ++g) {
    const int low = packed[g % 8] >> (g / 8 * 4) & 15;
    const int high = packed[8 + g % 4] >> (g / 4 * 2) & 3;
    to.scales[g] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
}

// Q4_K and Q5_K: 12 bytes of 6-bit scales and minimums, the first four of each whole, of the others
// the low four bits together and the rest in the top bits of the first.
void ScalesOfQ4_K(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block);
  to.shift_step = -Half(block + 2);
  const std::uint8_t* packed = block + 4;
  for (std::size_t g = 0; g < 4; ++g) {
    to.scales[g] = static_cast<std::int8_t>(packed[g] & 63);
    to.shifts[g] = static_cast<std::int8_t>(packed[g + 4] & 63);
    to.scales[g + 4] = static_cast<std::int8_t>((packed[g + 8] & 15) | packed[g] >> 6 << 4);
    to.shifts[g + 4] = static_cast<std::int8_t>(packed[g + 8] >> 4 | packed[g + 4] >> 6 << 4);
  }
}

void ScalesOfQ6_K(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block + 208);
  std::memcpy(to.scales.data(), block + 192, 16);
}

void ScalesOfIq4_XS(const std::uint8_t* block, BlockScales& to) {
  to.scale_step = Half(block);
  for (std::size_t g = 0; g < 8; ++g) {
    const int low = block[4 + g / 2] >> (g % 2 * 4) & 15;
    const int high = block[2 + g / 4] >> (g % 4 * 2) & 3;
    to.scales[g] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
}

// By GgufBlockType.
constexpr std::array<BlockFormat, kNumGgufBlockTypes> kBlockFormats = {{
    {{"Q4_0", 32, 18}, 32, 4, CodeShift::kConstantZero, 8, false, &CodesOfQ4, &OneScale},
    {{"Q4_1", 32, 20}, 32, 4, CodeShift::kOffset, 0, false, &CodesOfQ4_1, &ScaleAndOffset},
    {{"Q5_0", 32, 22}, 32, 5, CodeShift::kConstantZero, 16, false, &CodesOfQ5_0, &OneScale},
    {{"Q5_1", 32, 24}, 32, 5, CodeShift::kOffset, 0, false, &CodesOfQ5_1, &ScaleAndOffset},
    {{"Q8_0", 32, 34}, 32, 8, CodeShift::kConstantZero, 128, false, &CodesOfQ8_0, &OneScale},
    {{"Q2_K", 256, 84}, 16, 2, CodeShift::kOffset, 0, false, &CodesOfQ2_K, &ScalesOfQ2_K},
    {{"Q3_K", 256, 110}, 16, 3, CodeShift::kConstantZero, 4, false, &CodesOfQ3_K, &ScalesOfQ3_K},
    {{"Q4_K", 256, 144}, 32, 4, CodeShift::kOffset, 0, false, &CodesOfQ4_K, &ScalesOfQ4_K},
    {{"Q5_K", 256, 176}, 32, 5, CodeShift::kOffset, 0, false, &CodesOfQ5_K, &ScalesOfQ4_K},
    {{"Q6_K", 256, 210}, 16, 6, CodeShift::kConstantZero, 32, false, &CodesOfQ6_K, &ScalesOfQ6_K},
    {{"IQ4_NL", 32, 18}, 32, 4, CodeShift::kNone, 0, true, &CodesOfQ4, &OneScale},
    {{"IQ4_XS", 256, 136}, 32, 4, CodeShift::kNone, 0, true, &CodesOfIq4_XS, &ScalesOfIq4_XS},
}};

const BlockFormat& FormatOf(GgufBlockType type) {
  return kBlockFormats[static_cast<std::size_t>(type)];
}

QuantizedLayout LayoutOfBlocks(const GgufBlocks& b) {
  const BlockFormat& format = FormatOf(b.type);
  return {.format = fmt::format("gguf {}", format.size.name),
          .out = b.out,
          .in = b.in,
          .code_bits = format.code_bits,
          .shift = format.shift,
          .constant_zero = format.constant_zero,
          .table = format.has_table ? std::vector<float>(kIq4Values.begin(), kIq4Values.end())
                                    : std::vector<float>(),
          .num_groups = static_cast<std::int32_t>(b.in / format.group_inputs),
          .group_of_input = ConsecutiveGroups(b.in, format.group_inputs),
          .scale_dtype = DType::kF16,
          .step_groups = static_cast<std::int32_t>(format.is_stepped() ? format.groups() : 0)};
}

class GgufWeight final : public QuantizedWeight {
 public:
  explicit GgufWeight(const GgufBlocks& blocks)
      : QuantizedWeight(LayoutOfBlocks(blocks)), blocks_(blocks), format_(FormatOf(blocks.type)) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    ForBlocks(first, count, [&](const std::uint8_t* block, std::int64_t index) {
      format_.codes(block, codes + index * format_.size.inputs);
    });
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                  float* shifts) const override {
    const std::int64_t groups = format_.groups();
    ForScales(first, count, [&](const BlockScales& block, std::int64_t index) {
      for (std::int64_t g = 0; g < groups; ++g) {
        const auto in_block = static_cast<std::size_t>(g);
        scales[index * groups + g] = block.scale_step * block.scales[in_block];
        if (!has_offsets()) continue;
        shifts[index * groups + g] = block.shift_step * block.shifts[in_block];
      }
    });
  }

  void ReadScaleSteps(std::int64_t first, std::int64_t count, const ScaleSteps& to) const override {
    const std::int64_t groups = format_.groups();
    const auto group_bytes = static_cast<std::size_t>(groups);
    ForScales(first, count, [&](const BlockScales& block, std::int64_t index) {
      to.scale_steps[index] = block.scale_step;
      std::memcpy(to.scales + index * groups, block.scales.data(), group_bytes);
      if (!has_offsets()) return;
      to.shift_steps[index] = block.shift_step;
      std::memcpy(to.shifts + index * groups, block.shifts.data(), group_bytes);
    });
  }

 private:
  bool has_offsets() const { return format_.shift == CodeShift::kOffset; }

  // Calls `use` with each block of these outputs and its index among them.
  template <typename Use>
  void ForBlocks(std::int64_t first, std::int64_t count, const Use& use) const {
    const std::int64_t row_blocks = blocks_.in / format_.size.inputs;
    const std::uint8_t* block = blocks_.blocks + first * row_blocks * format_.size.bytes;
    for (std::int64_t i = 0; i < count * row_blocks; ++i, block += format_.size.bytes) {
      use(block, i);
    }
  }
  template <typename Use>
  void ForScales(std::int64_t first, std::int64_t count, const Use& use) const {
    ForBlocks(first, count, [&](const std::uint8_t* block, std::int64_t index) {
      BlockScales scales;
      format_.scales(block, scales);
      use(scales, index);
    });
  }

  const GgufBlocks blocks_;
  const BlockFormat& format_;
};

}  // namespace

const std::array<float, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

const GgufBlockSize& SizeOf(GgufBlockType type) { return FormatOf(type).size; }

StatusOr<std::unique_ptr<QuantizedWeight>> NewGgufWeight(const GgufBlocks& blocks) {
  const GgufBlockSize& size = SizeOf(blocks.type);
  if (blocks.out < 0 || blocks.in < 0 || blocks.in % size.inputs != 0 || blocks.in > INT32_MAX) {
    return InvalidArgument("{}: wanted rows of a multiple of {} elements, have [{}, {}]", size.name,
                           size.inputs, blocks.out, blocks.in);
  }
  return std::make_unique<GgufWeight>(blocks);
}

}  // namespace quire::kernels
