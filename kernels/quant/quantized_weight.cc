#include "kernels/quant/quantized_weight.h"

#include "base/check.h"

namespace quire::kernels {

void QuantizedWeight::ReadCodesAndScales(std::int64_t first, std::int64_t count,
                                         std::uint8_t* codes, float* scales, float* shifts) const {
  ReadCodes(first, count, codes);
  ReadScales(first, count, scales, shifts);
}

void QuantizedWeight::ReadScaleSteps(std::int64_t, std::int64_t, const ScaleSteps&) const {
  CheckFailed(__FILE__, __LINE__, "a weight whose layout has steps reads them");
}

bool IsInt8PerOutput(const QuantizedLayout& layout) {
  return layout.code_bits == 8 && layout.table.empty() && layout.num_groups == 1 &&
         layout.shift == CodeShift::kConstantZero && layout.constant_zero == 128.0f;
}

std::vector<std::int32_t> ConsecutiveGroups(std::int64_t in, std::int64_t group_size) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(in));
  for (std::int64_t k = 0; k < in; ++k) {
    groups[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(k / group_size);
  }
  return groups;
}

std::vector<float> DecodeQuantizedWeight(const QuantizedWeight& weight) {
  const QuantizedLayout& layout = weight.layout();
  const auto in = static_cast<std::size_t>(layout.in);
  const auto out = static_cast<std::size_t>(layout.out);
  const auto num_groups = static_cast<std::size_t>(layout.num_groups);
  std::vector<std::uint8_t> codes(out * in);
  std::vector<float> scales(out * num_groups);
  std::vector<float> shifts(out * num_groups);
  weight.ReadCodes(0, layout.out, codes.data());
  weight.ReadScales(0, layout.out, scales.data(), shifts.data());
  std::vector<float> values(out * in);
  for (std::size_t n = 0; n < out; ++n) {
    for (std::size_t k = 0; k < in; ++k) {
      const auto group = static_cast<std::size_t>(layout.group_of_input[k]);
      const float scale = scales[n * num_groups + group];
      const float shift = shifts[n * num_groups + group];
      const std::uint8_t code = codes[n * in + k];
      const float c = layout.table.empty() ? static_cast<float>(code) : layout.table[code];
      values[n * in + k] =
          QuantizedValue(layout.shift, c, scale,
                         layout.shift == CodeShift::kConstantZero ? layout.constant_zero : shift);
    }
  }
  return values;
}

}  // namespace quire::kernels
