#include "kernels/quant/round_to_nearest.h"

#include <algorithm>
#include <cmath>

#include "kernels/half.h"
#include "kernels/quant/bitsandbytes.h"

namespace quire::kernels {
namespace {

constexpr int kInt8Middle = 128;
constexpr int kInt8Most = 127;
constexpr int kInt4Middle = 8;
constexpr int kInt4Least = -8;
constexpr int kInt4Most = 7;

float RoundToBf16(float value) { return BF16ToF32(F32ToBF16(value)); }

// Code of the integers from `least` to `most`, 0 being `middle`. NaN becomes `middle`.
std::uint8_t IntegerCode(float scaled, int least, int most, int middle) {
  const float clamped = std::clamp(scaled, static_cast<float>(least), static_cast<float>(most));
  return static_cast<std::uint8_t>(std::nearbyint(scaled == scaled ? clamped : 0.0f) +
                                   static_cast<float>(middle));
}

QuantizedLayout LayoutOf(const MatrixView& weight, RoundingKind kind) {
  const bool is_int8 = kind == RoundingKind::kInt8;
  const std::int64_t group_size =
      is_int8 ? std::max<std::int64_t>(weight.cols, 1) : kRoundingGroupSize;
  const std::int64_t num_groups = (weight.cols + group_size - 1) / group_size;
  QuantizedLayout layout;
  layout.format = RoundingKindName(kind);
  layout.out = weight.rows;
  layout.in = weight.cols;
  layout.code_bits = is_int8 ? 8 : 4;
  layout.num_groups = static_cast<std::int32_t>(num_groups);
  layout.group_of_input = ConsecutiveGroups(weight.cols, group_size);
  layout.scale_dtype = is_int8 ? DType::kF32 : DType::kBF16;
  if (kind == RoundingKind::kNf4) {
    layout.table.assign(kNf4Values.begin(), kNf4Values.end());
  } else {
    layout.shift = CodeShift::kConstantZero;
    layout.constant_zero = is_int8 ? kInt8Middle : kInt4Middle;
  }
  return layout;
}

class RoundedWeight final : public QuantizedWeight {
 public:
  RoundedWeight(const MatrixView& weight, RoundingKind kind)
      : QuantizedWeight(LayoutOf(weight, kind)),
        weight_(weight),
        kind_(kind),
        group_size_(kind == RoundingKind::kInt8 ? weight.cols : kRoundingGroupSize) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    std::vector<float> row(static_cast<std::size_t>(weight_.cols));
    for (std::int64_t n = 0; n < count; ++n) {
      ReadRow(first + n, row.data());
      std::uint8_t* to = codes + n * weight_.cols;
      for (std::int64_t begin = 0; begin < weight_.cols; begin += group_size_) {
        const std::int64_t size = std::min(group_size_, weight_.cols - begin);
        WriteCodes(row.data() + begin, size, to + begin);
      }
    }
  }

  void ReadScales(std::int64_t first, std::int64_t count, float* scales, float*) const override {
    std::vector<float> row(static_cast<std::size_t>(weight_.cols));
    for (std::int64_t n = 0; n < count; ++n) {
      ReadRow(first + n, row.data());
      for (std::int64_t begin = 0; begin < weight_.cols; begin += group_size_) {
        *scales++ = Scale(row.data() + begin, std::min(group_size_, weight_.cols - begin));
      }
    }
  }

 private:
  void ReadRow(std::int64_t n, float* row) const {
    const std::int64_t element_bytes = BytesPerElement(weight_.dtype);
    ConvertToF32(weight_.dtype,
                 static_cast<const char*>(weight_.data) + n * weight_.row_stride * element_bytes,
                 row, weight_.cols);
  }

  float Scale(const float* group, std::int64_t size) const {
    if (kind_ == RoundingKind::kNf4) return RoundToBf16(Nf4Scale(group, size));
    float largest = 0;  // with its sign
    for (std::int64_t k = 0; k < size; ++k) {
      if (std::abs(group[k]) > std::abs(largest)) largest = group[k];
    }
    if (kind_ == RoundingKind::kInt8) return std::abs(largest) / kInt8Most;
    // The sign puts the largest on the side that has a value more.
    return RoundToBf16(largest / kInt4Least);
  }

  // Codes fit the scale as it is stored, rounded.
  void WriteCodes(const float* group, std::int64_t size, std::uint8_t* codes) const {
    const float scale = Scale(group, size);
    const float inverse = scale != 0 ? 1 / scale : 0;
    for (std::int64_t k = 0; k < size; ++k) {
      const float scaled = group[k] * inverse;
      switch (kind_) {
        case RoundingKind::kInt8:
          codes[k] = IntegerCode(scaled, -kInt8Most, kInt8Most, kInt8Middle);
          break;
        case RoundingKind::kInt4:
          codes[k] = IntegerCode(scaled, kInt4Least, kInt4Most, kInt4Middle);
          break;
        case RoundingKind::kNf4:
          codes[k] = Nf4Code(scaled);
          break;
      }
    }
  }

  const MatrixView weight_;
  const RoundingKind kind_;
  const std::int64_t group_size_;
};

}  // namespace

const char* RoundingKindName(RoundingKind kind) {
  switch (kind) {
    case RoundingKind::kInt8:
      return "int8";
    case RoundingKind::kInt4:
      return "int4";
    case RoundingKind::kNf4:
      return "nf4";
  }
  return "";
}

StatusOr<RoundingKind> ParseRoundingKind(std::string_view name) {
  for (const RoundingKind kind : {RoundingKind::kInt8, RoundingKind::kInt4, RoundingKind::kNf4}) {
    if (name == RoundingKindName(kind)) return kind;
  }
  return InvalidArgument("quantize: wanted int8, int4 or nf4, have \"{}\"", name);
}

StatusOr<std::unique_ptr<QuantizedWeight>> RoundToNearest(const MatrixView& weight,
                                                          RoundingKind kind) {
  if (weight.dtype != DType::kF32 && weight.dtype != DType::kF16 && weight.dtype != DType::kBF16) {
    return InvalidArgument("{}: wanted f32, f16 or bf16 to quantize, have {}",
                           RoundingKindName(kind), DTypeName(weight.dtype));
  }
  return std::make_unique<RoundedWeight>(weight, kind);
}

}  // namespace quire::kernels
