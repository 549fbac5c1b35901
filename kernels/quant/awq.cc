#include "kernels/quant/awq.h"

#include <array>
#include <cstring>

#include "kernels/half.h"
#include "kernels/quant/bit_fields.h"

namespace quire::kernels {
namespace {

constexpr std::int64_t kNibbles = 8;     // of a 32-bit word
constexpr std::int64_t kFastRows = 4;    // outputs in a 16-bit word of gemv_fast
constexpr std::int64_t kFastBlock = 64;  // inputs that gemv_fast interleaves its outputs by
constexpr float kMiddle = 8.0f;          // zero point of symmetric codes

// Nibble that has column j of a gemm word.
constexpr std::array<int, kNibbles> kGemmNibble = {0, 4, 1, 5, 2, 6, 3, 7};

std::uint32_t Nibble(const void* words, std::int64_t word, int nibble) {
  return static_cast<const std::uint32_t*>(words)[word] >> (4 * nibble) & 0xf;
}

// Place of input k among the 64 of its block in the gemv_fast layout.
constexpr std::int64_t FastPlace(std::int64_t k) {
  // k = 8 d + 2 b + e within 32 inputs goes to 8 b + 4 e + d.
  const std::int64_t within = k % 32;
  const std::int64_t d = within / 8;
  const std::int64_t b = within % 8 / 2;
  const std::int64_t e = within % 2;
  return k % kFastBlock / 32 * 32 + 8 * b + 4 * e + d;
}

constexpr auto kFastPlaces = [] {
  std::array<std::uint8_t, kFastBlock> places{};
  for (std::size_t k = 0; k < places.size(); ++k) {
    places[k] = static_cast<std::uint8_t>(FastPlace(static_cast<std::int64_t>(k)));
  }
  return places;
}();

std::uint32_t FastCode(const AwqTensors& t, std::int64_t n, std::int64_t k) {
  // Four outputs of 64 inputs each, one after the other, are cut into words of four nibbles.
  const std::int64_t place = n % kFastRows * kFastBlock + FastPlace(k);
  const std::int64_t word = n / kFastRows * t.in + k / kFastBlock * kFastBlock + place / kFastRows;
  const auto nibble = static_cast<int>(place % kFastRows);
  return static_cast<std::uint32_t>(static_cast<const std::uint16_t*>(t.qweight)[word]) >>
             (4 * nibble) &
         0xf;
}

std::uint32_t Code(const AwqTensors& t, std::int64_t n, std::int64_t k) {
  switch (t.layout) {
    case AwqLayout::kGemm:
      return Nibble(t.qweight, k * (t.out / kNibbles) + n / kNibbles,
                    kGemmNibble[static_cast<std::size_t>(n % kNibbles)]);
    case AwqLayout::kGemv:
      return Nibble(t.qweight, n * (t.in / kNibbles) + k / kNibbles,
                    static_cast<int>(k % kNibbles));
    case AwqLayout::kGemvFast:
      return FastCode(t, n, k);
  }
  return 0;
}

float Element(const AwqTensors& t, const void* elements, std::int64_t index) {
  float value = 0;
  const auto* bytes = static_cast<const char*>(elements);
  ConvertToF32(t.scale_dtype, bytes + index * BytesPerElement(t.scale_dtype), &value, 1);
  return value;
}

float Scale(const AwqTensors& t, std::int64_t n, std::int64_t group) {
  const bool by_output = t.layout == AwqLayout::kGemv;
  return Element(t, t.scales,
                 by_output ? n * AwqPaddedGroups(t.in, t.group_size) + group : group * t.out + n);
}

// The zero point, or what gemv_fast adds.
float Shift(const AwqTensors& t, std::int64_t n, std::int64_t group) {
  if (t.qzeros == nullptr) return kMiddle;
  switch (t.layout) {
    case AwqLayout::kGemm:
      return static_cast<float>(Nibble(t.qzeros, group * (t.out / kNibbles) + n / kNibbles,
                                       kGemmNibble[static_cast<std::size_t>(n % kNibbles)]));
    case AwqLayout::kGemv:
      return static_cast<float>(
          Nibble(t.qzeros, n * (AwqPaddedGroups(t.in, t.group_size) / kNibbles) + group / kNibbles,
                 static_cast<int>(group % kNibbles)));
    case AwqLayout::kGemvFast:
      return Element(t, t.qzeros, group * t.out + n);
  }
  return 0;
}

bool HasOffsets(const AwqTensors& t) {
  return t.layout == AwqLayout::kGemvFast && t.qzeros != nullptr;
}

Status Validate(const AwqTensors& t) {
  if (t.group_size < 1 || t.in % t.group_size != 0) {
    return InvalidArgument("awq: wanted a group size that divides {} inputs, have {}", t.in,
                           t.group_size);
  }
  const std::int64_t in_multiple = t.layout == AwqLayout::kGemm   ? 1
                                   : t.layout == AwqLayout::kGemv ? kNibbles
                                                                  : kFastBlock;
  const std::int64_t out_multiple = t.layout == AwqLayout::kGemm   ? kNibbles
                                    : t.layout == AwqLayout::kGemv ? 1
                                                                   : kFastRows;
  if (t.in % in_multiple != 0 || t.out % out_multiple != 0) {
    return InvalidArgument("awq: wanted multiples of [{}, {}] for the shape, have [{}, {}]",
                           out_multiple, in_multiple, t.out, t.in);
  }
  return OkStatus();
}

CodeShift ShiftOf(const AwqTensors& t) {
  if (t.qzeros == nullptr) return CodeShift::kConstantZero;
  return HasOffsets(t) ? CodeShift::kOffset : CodeShift::kZeroPoint;
}

QuantizedLayout LayoutOf(const AwqTensors& t) {
  return {.format = "awq 4-bit",
          .out = t.out,
          .in = t.in,
          .code_bits = 4,
          .shift = ShiftOf(t),
          .constant_zero = kMiddle,
          .table = {},
          .num_groups = static_cast<std::int32_t>(t.num_groups()),
          .group_of_input = ConsecutiveGroups(t.in, t.group_size),
          .scale_dtype = t.scale_dtype};
}

class AwqWeight final : public QuantizedWeight {
 public:
  explicit AwqWeight(const AwqTensors& tensors)
      : QuantizedWeight(LayoutOf(tensors)), tensors_(tensors) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    const std::int64_t in = tensors_.in;
    if (tensors_.layout == AwqLayout::kGemm) return ReadGemmCodes(first, count, codes);
    for (std::int64_t n = 0; n < count; ++n) {
      if (tensors_.layout == AwqLayout::kGemv) {
        ReadGemvRow(first + n, codes + n * in);
      } else {
        ReadFastRow(first + n, codes + n * in);
      }
    }
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                  float* shifts) const override {
    const std::int64_t num_groups = tensors_.num_groups();
    for (std::int64_t n = 0; n < count; ++n) {
      for (std::int64_t g = 0; g < num_groups; ++g) {
        scales[n * num_groups + g] = Scale(tensors_, first + n, g);
        if (tensors_.qzeros == nullptr) continue;
        shifts[n * num_groups + g] = Shift(tensors_, first + n, g);
      }
    }
  }

 private:
  // Eight inputs of eight outputs at a time, a word for each input; what is left one by one.
  void ReadGemmCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const {
    const std::int64_t in = tensors_.in;
    const std::int64_t whole_in = in / kNibbles * kNibbles;
    const std::int64_t whole_count = first % kNibbles == 0 ? count / kNibbles * kNibbles : 0;
    for (std::int64_t k = 0; k < whole_in; k += kNibbles) {
      for (std::int64_t n = 0; n < whole_count; n += kNibbles) {
        ReadGemmSquare(first + n, k, codes + n * in + k);
      }
    }
    for (std::int64_t n = 0; n < count; ++n) {
      for (std::int64_t k = n < whole_count ? whole_in : 0; k < in; ++k) {
        codes[n * in + k] = static_cast<std::uint8_t>(Code(tensors_, first + n, k));
      }
    }
  }

  void ReadGemmSquare(std::int64_t n, std::int64_t k, std::uint8_t* codes) const {
    const std::int64_t row_words = tensors_.out / kNibbles;
    const std::uint32_t* words =
        static_cast<const std::uint32_t*>(tensors_.qweight) + k * row_words + n / kNibbles;
    Bytes8x8 square;
    for (std::uint64_t& input : square) {
      input = SpreadFields(*words, 4);
      words += row_words;
    }
    Transpose(square);
    for (const int nibble : kGemmNibble) {
      StoreBytes8(square[static_cast<std::size_t>(nibble)], codes);
      codes += tensors_.in;
    }
  }

  void ReadGemvRow(std::int64_t n, std::uint8_t* codes) const {
    const std::int64_t row_words = tensors_.in / kNibbles;
    const std::uint32_t* words =
        static_cast<const std::uint32_t*>(tensors_.qweight) + n * row_words;
    for (std::int64_t word = 0; word < row_words; ++word) {
      StoreBytes8(SpreadFields(words[word], 4), codes + word * kNibbles);
    }
  }

  void ReadFastRow(std::int64_t n, std::uint8_t* codes) const {
    const auto* words = static_cast<const std::uint16_t*>(tensors_.qweight) +
                        n / kFastRows * tensors_.in + n % kFastRows * (kFastBlock / kFastRows);
    std::array<std::uint8_t, kFastBlock> places;
    for (std::int64_t block = 0; block < tensors_.in; block += kFastBlock) {
      for (std::size_t i = 0; i < places.size(); i += 2 * kFastRows) {
        std::uint32_t fields = 0;
        std::memcpy(&fields, words + block + i / kFastRows, sizeof(fields));
        StoreBytes8(SpreadFields(fields, 4), places.data() + i);
      }
      for (std::int64_t k = 0; k < kFastBlock; ++k) {
        codes[block + k] = places[kFastPlaces[static_cast<std::size_t>(k)]];
      }
    }
  }

  const AwqTensors tensors_;
};

}  // namespace

std::int64_t AwqPaddedGroups(std::int64_t in, std::int64_t group_size) {
  // Words of a vector load: 1 from groups of 128 on, 2 for 64, 4 for 32.
  const std::int64_t words_at_once = group_size >= 128 ? 1 : group_size >= 64 ? 2 : 4;
  const std::int64_t words = (in / group_size + kNibbles - 1) / kNibbles;
  return (words + words_at_once - 1) / words_at_once * words_at_once * kNibbles;
}

StatusOr<std::unique_ptr<QuantizedWeight>> NewAwqWeight(const AwqTensors& tensors) {
  QUIRE_RETURN_IF_ERROR(Validate(tensors));
  return std::make_unique<AwqWeight>(tensors);
}

std::vector<float> DecodeAwq(const AwqTensors& t) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(t.out * t.in));
  for (std::int64_t n = 0; n < t.out; ++n) {
    for (std::int64_t k = 0; k < t.in; ++k) {
      const std::int64_t group = k / t.group_size;
      const float scale = Scale(t, n, group);
      const float shift = Shift(t, n, group);
      const auto code = static_cast<float>(Code(t, n, k));
      values.push_back(HasOffsets(t) ? scale * code + shift : scale * (code - shift));
    }
  }
  return values;
}

PackedAwq PackAwqGemm(const GroupCodes& from) {
  const std::int64_t words = from.out / kNibbles;  // of one input
  const std::int64_t groups = from.num_groups;
  PackedAwq to = {
      .qweight = std::vector<std::uint32_t>(static_cast<std::size_t>(from.in * words)),
      .qzeros = std::vector<std::uint32_t>(static_cast<std::size_t>(groups * words)),
      .scales = std::vector<std::uint16_t>(static_cast<std::size_t>(groups * from.out))};
  for (std::int64_t n = 0; n < from.out; ++n) {
    const int shift = 4 * kGemmNibble[static_cast<std::size_t>(n % kNibbles)];
    const std::int64_t word = n / kNibbles;
    const std::uint8_t* codes = from.codes.data() + n * from.in;
    for (std::int64_t k = 0; k < from.in; ++k) {
      to.qweight[static_cast<std::size_t>(k * words + word)] |= std::uint32_t{codes[k]} << shift;
    }
    for (std::int64_t g = 0; g < groups; ++g) {
      const auto index = static_cast<std::size_t>(n * groups + g);
      to.scales[static_cast<std::size_t>(g * from.out + n)] = F32ToF16(from.scales[index]);
      to.qzeros[static_cast<std::size_t>(g * words + word)] |= std::uint32_t{from.zeros[index]}
                                                               << shift;
    }
  }
  return to;
}

}  // namespace quire::kernels
