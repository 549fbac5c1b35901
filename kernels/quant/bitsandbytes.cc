#include "kernels/quant/bitsandbytes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "kernels/quant/bit_fields.h"

namespace quire::kernels {

const std::array<float, 16> kFp4Values = {
    0.0f / 12,  0.0625f / 12, 8.0f / 12,  12.0f / 12,    4.0f / 12,  6.0f / 12,
    2.0f / 12,  3.0f / 12,    -0.0f / 12, -0.0625f / 12, -8.0f / 12, -12.0f / 12,
    -4.0f / 12, -6.0f / 12,   -2.0f / 12, -3.0f / 12,
};

namespace {

// int8_vectorwise_dequant multiplies by 1 / 127, rounded to f32.
constexpr float kPerCode = 7.874015718698502e-3f;
constexpr int kInt8Middle = 128;

std::uint8_t Code(const Bnb4Tensors& t, std::int64_t index) {
  const std::uint8_t pair = t.codes[index / 2];
  return index % 2 == 0 ? pair >> 4 : pair & 0xf;
}

float Absmax(const Bnb4Tensors& t, std::int64_t block) {
  if (t.nested_codes == nullptr) return t.absmax[block];
  return t.nested_table[t.nested_codes[block]] * t.nested_absmax[block / t.nested_block_size] +
         t.nested_offset;
}

// Inputs of one group: no block ends inside it, in whatever output.
std::int64_t GroupSize(const Bnb4Tensors& t) { return std::gcd(t.in, t.block_size); }

class Bnb4Weight final : public QuantizedWeight {
 public:
  explicit Bnb4Weight(const Bnb4Tensors& t)
      : QuantizedWeight({.format = "bitsandbytes 4-bit",
                         .out = t.out,
                         .in = t.in,
                         .code_bits = 4,
                         .shift = CodeShift::kNone,
                         .constant_zero = 0,
                         .table = std::vector<float>(t.table, t.table + 16),
                         .num_groups = static_cast<std::int32_t>(t.in / GroupSize(t)),
                         .group_of_input = ConsecutiveGroups(t.in, GroupSize(t)),
                         .scale_dtype = DType::kF32}),
        tensors_(t) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    const std::int64_t begin = first * tensors_.in;
    const std::int64_t size = count * tensors_.in;
    std::int64_t i = 0;
    // Four bytes at a time, where the first code begins one: the high nibble comes first.
    for (; begin % 2 == 0 && i + 8 <= size; i += 8) {
      std::uint32_t pairs = 0;
      std::memcpy(&pairs, tensors_.codes + (begin + i) / 2, sizeof(pairs));
      StoreBytes8(SpreadFields((pairs & 0x0F0F0F0Fu) << 4 | (pairs >> 4 & 0x0F0F0F0Fu), 4),
                  codes + i);
    }
    for (; i < size; ++i) codes[i] = Code(tensors_, begin + i);
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales, float*) const override {
    const std::int64_t group_size = GroupSize(tensors_);
    const std::int64_t num_groups = tensors_.in / group_size;
    for (std::int64_t i = 0; i < count * num_groups; ++i) {
      const std::int64_t element = (first * num_groups + i) * group_size;
      scales[i] = Absmax(tensors_, element / tensors_.block_size);
    }
  }

 private:
  const Bnb4Tensors tensors_;
};

class Int8Weight final : public QuantizedWeight {
 public:
  explicit Int8Weight(const Int8Tensors& t)
      : QuantizedWeight({.format = "bitsandbytes 8-bit",
                         .out = t.out,
                         .in = t.in,
                         .code_bits = 8,
                         .shift = CodeShift::kConstantZero,
                         .constant_zero = kInt8Middle,
                         .table = {},
                         .num_groups = 1,
                         .group_of_input = ConsecutiveGroups(t.in, t.in),
                         .scale_dtype = DType::kF32}),
        tensors_(t) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    const std::int8_t* from = tensors_.codes + first * tensors_.in;
    for (std::int64_t i = 0; i < count * tensors_.in; ++i) {
      codes[i] = static_cast<std::uint8_t>(from[i] + kInt8Middle);
    }
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales, float*) const override {
    for (std::int64_t n = 0; n < count; ++n) scales[n] = tensors_.absmax[first + n] * kPerCode;
  }

 private:
  const Int8Tensors tensors_;
};

}  // namespace

EncodedNf4 EncodeNf4(const MatrixView& weight, std::int64_t block_size) {
  const std::int64_t size = weight.rows * weight.cols;
  const auto* values = static_cast<const float*>(weight.data);
  EncodedNf4 to;
  to.codes.resize(static_cast<std::size_t>((size + 1) / 2));
  std::vector<float> scaled(static_cast<std::size_t>(block_size));
  std::vector<std::uint8_t> codes(scaled.size());
  for (std::int64_t begin = 0; begin < size; begin += block_size) {
    const std::int64_t count = std::min(size - begin, block_size);
    const float scale = Nf4Scale(values + begin, count);
    to.absmax.push_back(scale);
    std::transform(values + begin, values + begin + count, scaled.begin(),
                   [&](float value) { return scale > 0 ? value / scale : 0; });
    Nf4Codes(scaled.data(), count, codes.data());
    for (std::int64_t i = 0; i < count; ++i) {
      const int shift = (begin + i) % 2 == 0 ? 4 : 0;
      to.codes[static_cast<std::size_t>((begin + i) / 2)] |=
          static_cast<std::uint8_t>(codes[static_cast<std::size_t>(i)] << shift);
    }
  }
  return to;
}

EncodedInt8 EncodeInt8(const MatrixView& weight) {
  EncodedInt8 to;
  to.codes.reserve(static_cast<std::size_t>(weight.rows * weight.cols));
  for (std::int64_t n = 0; n < weight.rows; ++n) {
    const float* row = static_cast<const float*>(weight.data) + n * weight.row_stride;
    float absmax = 0;
    for (std::int64_t k = 0; k < weight.cols; ++k) absmax = std::max(absmax, std::abs(row[k]));
    to.absmax.push_back(absmax);
    for (std::int64_t k = 0; k < weight.cols; ++k) {
      const float scaled = absmax > 0 ? row[k] / absmax * 127 : 0;
      to.codes.push_back(static_cast<std::int8_t>(std::nearbyint(scaled)));
    }
  }
  return to;
}

StatusOr<std::unique_ptr<QuantizedWeight>> NewBnb4Weight(const Bnb4Tensors& tensors) {
  if (tensors.block_size < 1 || tensors.nested_block_size < 1) {
    return InvalidArgument("bitsandbytes 4-bit: wanted positive block sizes, have {} and {}",
                           tensors.block_size, tensors.nested_block_size);
  }
  return std::make_unique<Bnb4Weight>(tensors);
}

std::vector<float> DecodeBnb4(const Bnb4Tensors& t) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(t.out * t.in));
  for (std::int64_t i = 0; i < t.out * t.in; ++i) {
    values.push_back(t.table[Code(t, i)] * Absmax(t, i / t.block_size));
  }
  return values;
}

std::unique_ptr<QuantizedWeight> NewInt8Weight(const Int8Tensors& tensors) {
  return std::make_unique<Int8Weight>(tensors);
}

std::vector<float> DecodeInt8(const Int8Tensors& t) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(t.out * t.in));
  for (std::int64_t n = 0; n < t.out; ++n) {
    for (std::int64_t k = 0; k < t.in; ++k) {
      values.push_back(static_cast<float>(t.codes[n * t.in + k]) * t.absmax[n] * kPerCode);
    }
  }
  return values;
}

}  // namespace quire::kernels
