#include "kernels/quant/group_codes.h"

#include <algorithm>
#include <cmath>

#include "kernels/half.h"

namespace quire::kernels {
namespace {

constexpr int kMostCode = 15;
constexpr int kMiddleCode = 8;

// The nearest f16, or 1 where a grid of that step would not exist.
float GridScale(float step) {
  const float rounded = F16ToF32(F32ToF16(step));
  return rounded > 0 && std::isfinite(rounded) ? rounded : 1.0f;
}

std::uint8_t ClampCode(float code) {
  return static_cast<std::uint8_t>(std::clamp(code, 0.0f, static_cast<float>(kMostCode)));
}

class GroupWeight final : public QuantizedWeight {
 public:
  explicit GroupWeight(const GroupCodes& codes)
      : QuantizedWeight({.format = "4-bit groups",
                         .out = codes.out,
                         .in = codes.in,
                         .code_bits = 4,
                         .shift = CodeShift::kZeroPoint,
                         .constant_zero = 0,
                         .table = {},
                         .num_groups = codes.num_groups,
                         .group_of_input = codes.group_of_input,
                         .scale_dtype = DType::kF16}),
        codes_(codes) {}

  void ReadCodes(std::int64_t first, std::int64_t count, std::uint8_t* codes) const override {
    std::copy_n(codes_.codes.begin() + first * codes_.in, count * codes_.in, codes);
  }
  void ReadScales(std::int64_t first, std::int64_t count, float* scales,
                  float* shifts) const override {
    const std::int64_t begin = first * codes_.num_groups;
    std::copy_n(codes_.scales.begin() + begin, count * codes_.num_groups, scales);
    std::copy_n(codes_.zeros.begin() + begin, count * codes_.num_groups, shifts);
  }

 private:
  const GroupCodes& codes_;
};

}  // namespace

std::uint8_t CodeGrid::Code(float value) const {
  const float steps = value / scale;
  if (std::isnan(steps)) return zero;
  return ClampCode(std::nearbyint(std::clamp(steps, -64.0f, 64.0f)) + static_cast<float>(zero));
}

CodeGrid SymmetricGrid(float largest) {
  return {.scale = GridScale(largest / (kMostCode - kMiddleCode)), .zero = kMiddleCode};
}

CodeGrid AsymmetricGrid(float least, float largest) {
  const float low = std::min(least, 0.0f);
  CodeGrid grid = {.scale = GridScale((std::max(largest, 0.0f) - low) / kMostCode), .zero = 0};
  grid.zero = ClampCode(std::nearbyint(std::min(-low / grid.scale, 64.0f)));
  return grid;
}

GroupCodes RoundGroups(const MatrixView& weight, std::int64_t group_size) {
  GroupCodes to = {.out = weight.rows,
                   .in = weight.cols,
                   .num_groups = static_cast<std::int32_t>(weight.cols / group_size),
                   .codes = {},
                   .scales = {},
                   .zeros = {},
                   .group_of_input = ConsecutiveGroups(weight.cols, group_size)};
  to.codes.reserve(static_cast<std::size_t>(to.out * to.in));
  for (std::int64_t n = 0; n < to.out; ++n) {
    const float* row = static_cast<const float*>(weight.data) + n * weight.row_stride;
    for (std::int64_t begin = 0; begin < to.in; begin += group_size) {
      const auto [least, largest] = std::minmax_element(row + begin, row + begin + group_size);
      const CodeGrid grid = AsymmetricGrid(*least, *largest);
      to.scales.push_back(grid.scale);
      to.zeros.push_back(grid.zero);
      for (std::int64_t k = begin; k < begin + group_size; ++k) {
        to.codes.push_back(grid.Code(row[k]));
      }
    }
  }
  return to;
}

std::unique_ptr<QuantizedWeight> NewGroupWeight(const GroupCodes& codes) {
  return std::make_unique<GroupWeight>(codes);
}

}  // namespace quire::kernels
