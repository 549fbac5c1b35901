#include "kernels/quant/round_to_nearest.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/half.h"
#include "kernels/quant/lanes.h"
#include "kernels/quant/nf4.h"

namespace quire::kernels {
namespace {

constexpr int kInt8Middle = 128;
constexpr int kInt8Most = 127;
constexpr int kInt4Middle = 8;
constexpr int kInt4Least = -8;
constexpr int kInt4Most = 7;

float RoundToBf16(float value) { return BF16ToF32(F32ToBF16(value)); }

// An integer grid: code `middle` is 0.
struct IntegerGrid {
  int least;
  int most;
  int middle;
};
constexpr IntegerGrid kInt8Grid = {.least = -kInt8Most, .most = kInt8Most, .middle = kInt8Middle};
constexpr IntegerGrid kInt4Grid = {.least = kInt4Least, .most = kInt4Most, .middle = kInt4Middle};

// The codes of what is nearest to four numbers, ties to even. NaN becomes `middle`.
Ints IntegerCodes(Floats scaled, const IntegerGrid& grid) {
  // Adding 1.5 * 2^23 leaves no bits for fractions; the low bits are then the integer's.
  constexpr float kRounding = 12582912.0f;
  const Floats least = Splat(static_cast<float>(grid.least));
  const Floats most = Splat(static_cast<float>(grid.most));
  Floats value = scaled == scaled ? scaled : Splat(0);
  value = value < least ? least : value;
  value = value > most ? most : value;
  return std::bit_cast<Ints>(value + kRounding) + grid.middle;
}

void IntegerCodes(const float* scaled, std::int64_t size, const IntegerGrid& grid,
                  std::uint8_t* codes) {
  std::int64_t k = 0;
  for (; k + kQuantLanes <= size; k += kQuantLanes) {
    StoreBytes(IntegerCodes(LoadFloats(scaled + k), grid), codes + k);
  }
  for (; k < size; ++k) {
    codes[k] = static_cast<std::uint8_t>(IntegerCodes(Splat(scaled[k]), grid)[0]);
  }
}

// The first of the largest |group[k]|, with its sign.
float Largest(const float* group, std::int64_t size) {
  const float magnitude = LargestMagnitude(group, size);
  const float* const first =
      std::find_if(group, group + size, [&](float value) { return std::abs(value) == magnitude; });
  return first == group + size ? 0.0f : *first;
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
    Encode(first, count, codes, nullptr);
  }
  void ReadScales(std::int64_t first, std::int64_t count, float* scales, float*) const override {
    Encode(first, count, nullptr, scales);
  }
  void ReadCodesAndScales(std::int64_t first, std::int64_t count, std::uint8_t* codes,
                          float* scales, float*) const override {
    Encode(first, count, codes, scales);
  }

 private:
  // Writes what is not null.
  void Encode(std::int64_t first, std::int64_t count, std::uint8_t* codes, float* scales) const {
    std::vector<float> row(static_cast<std::size_t>(weight_.cols));
    for (std::int64_t n = first; n < first + count; ++n) {
      ReadRow(n, row.data());
      for (std::int64_t begin = 0; begin < weight_.cols; begin += group_size_) {
        const std::int64_t size = std::min(group_size_, weight_.cols - begin);
        const float scale = Scale(row.data() + begin, size);
        if (scales != nullptr) *scales++ = scale;
        if (codes == nullptr) continue;
        WriteCodes(row.data() + begin, size, scale, codes);
        codes += size;
      }
    }
  }

  void ReadRow(std::int64_t n, float* row) const {
    const std::int64_t element_bytes = BytesPerElement(weight_.dtype);
    ConvertToF32(weight_.dtype,
                 static_cast<const char*>(weight_.data) + n * weight_.row_stride * element_bytes,
                 row, weight_.cols);
  }

  float Scale(const float* group, std::int64_t size) const {
    switch (kind_) {
      case RoundingKind::kInt8:
        return LargestMagnitude(group, size) / kInt8Most;
      case RoundingKind::kInt4:
        // The sign puts the largest on the side that has a value more.
        return RoundToBf16(Largest(group, size) / kInt4Least);
      case RoundingKind::kNf4:
        return RoundToBf16(Nf4Scale(group, size));
    }
    return 0;
  }

  // Codes fit the scale as it is stored, rounded. Leaves `group` divided by it.
  void WriteCodes(float* group, std::int64_t size, float scale, std::uint8_t* codes) const {
    const float inverse = scale != 0 ? 1 / scale : 0;
    for (std::int64_t k = 0; k < size; ++k) group[k] *= inverse;
    switch (kind_) {
      case RoundingKind::kInt8:
        return IntegerCodes(group, size, kInt8Grid, codes);
      case RoundingKind::kInt4:
        return IntegerCodes(group, size, kInt4Grid, codes);
      case RoundingKind::kNf4:
        return Nf4Codes(group, size, codes);
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
