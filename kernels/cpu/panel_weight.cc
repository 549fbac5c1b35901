#include "kernels/cpu/panel_weight.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/panel_unit.h"
#include "kernels/cpu/row_weight.h"
#include "kernels/half.h"

namespace quire::kernels::cpu {
namespace {

constexpr DType kStepDType = DType::kF16;

CodeKind KindOf(const QuantizedLayout& layout) {
  if (!layout.table.empty()) return CodeKind::kTable4;
  switch (layout.code_bits) {
    case 2:
      return CodeKind::kInt2;
    case 3:
      return CodeKind::kInt3;
    case 4:
      return CodeKind::kInt4;
    case 5:
      return CodeKind::kInt5;
    case 6:
      return CodeKind::kInt6;
    default:
      return CodeKind::kInt8;
  }
}

PanelShift ShiftOf(const QuantizedLayout& layout) {
  switch (layout.shift) {
    case CodeShift::kNone:
      return PanelShift::kNone;
    case CodeShift::kConstantZero:
      return PanelShift::kConstantZero;
    case CodeShift::kZeroPoint:
      return PanelShift::kZeroPoint;
    case CodeShift::kOffset:
      return PanelShift::kOffset;
  }
  return PanelShift::kNone;
}

DType DTypeOf(ElementKind kind) {
  switch (kind) {
    case ElementKind::kF32:
      return DType::kF32;
    case ElementKind::kF16:
      return DType::kF16;
    case ElementKind::kBF16:
      return DType::kBF16;
    case ElementKind::kI8:
      return DType::kI8;
  }
  return DType::kF32;
}

// Type of the shifts; meaningless where there are none.
DType ShiftDType(const PanelFormat& format) {
  return format.shift == PanelShift::kZeroPoint ? DType::kF16 : DTypeOf(format.scale_kind);
}

bool HasShifts(const PanelFormat& format) {
  return format.shift == PanelShift::kZeroPoint || format.shift == PanelShift::kOffset;
}

// Codes, scales and shifts of the outputs of one panel as the format gives them. Outputs that the
// weight does not have are zeros.
struct PanelContents {
  PanelContents(const QuantizedWeight& weight, std::int64_t first)
      : num_groups(weight.layout().num_groups), num_steps(weight.layout().num_steps()) {
    const auto outputs = static_cast<std::size_t>(kPanelOutputs);
    const auto groups = outputs * static_cast<std::size_t>(num_groups);
    const std::int64_t count = std::min<std::int64_t>(kPanelOutputs, weight.layout().out - first);
    codes.resize(outputs * static_cast<std::size_t>(weight.layout().in));
    if (num_steps == 0) {
      scales.resize(groups);
      shifts.resize(groups);
      weight.ReadCodesAndScales(first, count, codes.data(), scales.data(), shifts.data());
      return;
    }
    weight.ReadCodes(first, count, codes.data());
    scales.resize(outputs * static_cast<std::size_t>(num_steps));
    shifts.resize(scales.size());
    scale_multiples.resize(groups);
    shift_multiples.resize(groups);
    weight.ReadScaleSteps(first, count,
                          {.scale_steps = scales.data(),
                           .shift_steps = shifts.data(),
                           .scales = scale_multiples.data(),
                           .shifts = shift_multiples.data()});
  }

  std::int64_t num_groups;
  std::int64_t num_steps;
  std::vector<std::uint8_t> codes;           // [kPanelOutputs, in]
  std::vector<float> scales;                 // [kPanelOutputs, num_groups], or num_steps
  std::vector<float> shifts;                 // the same
  std::vector<std::int8_t> scale_multiples;  // [kPanelOutputs, num_groups], where there are steps
  std::vector<std::int8_t> shift_multiples;  // the same
};

// Column `col` of `values` [kPanelOutputs, cols] as elements. Returns where they end.
char* WriteElements(const std::vector<float>& values, std::int64_t cols, std::int64_t col,
                    DType dtype, char* to) {
  std::array<float, kPanelOutputs> column;
  const float* from = values.data() + col;
  for (float& value : column) {
    value = *from;
    from += cols;
  }
  ConvertFromF32(dtype, column.data(), to, kPanelOutputs);
  return to + kPanelOutputs * BytesPerElement(dtype);
}

char* WriteMultiples(const std::vector<std::int8_t>& values, std::int64_t cols, std::int64_t col,
                     char* to) {
  for (std::int64_t n = 0; n < kPanelOutputs; ++n) {
    *to++ = values[static_cast<std::size_t>(n * cols + col)];
  }
  return to;
}

// The rows of `codes` [kPanelOutputs, in] with the inputs in the order that `inputs` names; -1 is
// padding.
std::vector<std::uint8_t> Reordered(const std::vector<std::uint8_t>& codes, std::int64_t in,
                                    const std::vector<std::int32_t>& inputs) {
  std::vector<std::uint8_t> reordered(static_cast<std::size_t>(kPanelOutputs) * inputs.size());
  std::uint8_t* to = reordered.data();
  for (const std::uint8_t* row = codes.data(); row < codes.data() + codes.size(); row += in) {
    for (const std::int32_t input : inputs) *to++ = input < 0 ? std::uint8_t{0} : row[input];
  }
  return reordered;
}

float ReadElement(DType dtype, const char* elements, std::int64_t index) {
  if (dtype == DType::kI8) return static_cast<std::int8_t>(elements[index]);
  float value = 0;
  ConvertToF32(dtype, elements + index * BytesPerElement(dtype), &value, 1);
  return value;
}

}  // namespace

PanelWeight::Order PanelWeight::OrderInputs(const QuantizedLayout& layout, int unit_inputs) {
  std::vector<std::vector<std::int32_t>> inputs(static_cast<std::size_t>(layout.num_groups));
  for (std::size_t k = 0; k < layout.group_of_input.size(); ++k) {
    inputs[static_cast<std::size_t>(layout.group_of_input[k])].push_back(
        static_cast<std::int32_t>(k));
  }
  Order order;
  for (std::size_t group = 0; group < inputs.size(); ++group) {
    if (inputs[group].empty()) continue;
    const auto size = static_cast<std::int64_t>(inputs[group].size());
    const std::int64_t units = CeilDivide(size, unit_inputs);
    order.groups.push_back(static_cast<std::int32_t>(group));
    order.group_units.push_back(static_cast<std::int32_t>(units));
    order.input.insert(order.input.end(), inputs[group].begin(), inputs[group].end());
    order.input.insert(order.input.end(), static_cast<std::size_t>(units * unit_inputs - size), -1);
  }
  return order;
}

PanelWeight::PanelWeight(const QuantizedLayout& layout, Order order)
    : out_(layout.out),
      in_(layout.in),
      order_(std::move(order)),
      keeps_order_(packed_in() == in_ && std::is_sorted(order_.input.begin(), order_.input.end())),
      table_(layout.table),
      shift_(layout.shift),
      code_kind_(KindOf(layout)),
      planes_(PlanesOf(code_kind_)) {
  const DType scale_dtype = layout.step_groups > 0 ? DType::kI8 : layout.scale_dtype;
  const ElementKind scale_kind = static_cast<ElementKind>(ElementIndex(scale_dtype));
  format_ = {.scale_kind = scale_kind,
             .shift = ShiftOf(layout),
             .constant_zero = layout.constant_zero,
             .table = table_.data(),
             .group_units = order_.group_units.data(),
             .num_groups = static_cast<int>(order_.groups.size()),
             .step_groups = layout.step_groups,
             .step_bytes = 0,
             .scale_bytes = kPanelOutputs * BytesPerElement(scale_dtype),
             .header_bytes = 0,
             .panel_bytes = 0};
  const std::int64_t shift_bytes =
      HasShifts(format_) ? kPanelOutputs * BytesPerElement(ShiftDType(format_)) : 0;
  format_.header_bytes = format_.scale_bytes + shift_bytes;
  if (layout.step_groups > 0) {
    format_.step_bytes = (HasShifts(format_) ? 2 : 1) * kPanelOutputs * BytesPerElement(kStepDType);
  }
  format_.panel_bytes = layout.num_steps() * format_.step_bytes +
                        format_.num_groups * format_.header_bytes +
                        packed_in() / planes_.inputs * planes_.bytes;
}

std::int64_t PanelWeight::num_panels() const { return CeilDivide(out_, kPanelOutputs); }

void PanelWeight::PackPanel(const QuantizedWeight& weight, std::int64_t panel) const {
  PanelContents from(weight, panel * kPanelOutputs);
  if (!keeps_order_) from.codes = Reordered(from.codes, in_, order_.input);
  char* to = Panel(panel);
  const std::uint8_t* codes = from.codes.data();
  const bool has_shifts = HasShifts(format_);
  for (std::size_t i = 0; i < order_.groups.size(); ++i) {
    const std::int32_t group = order_.groups[i];
    if (format_.step_groups == 0) {
      to = WriteElements(from.scales, from.num_groups, group, DTypeOf(format_.scale_kind), to);
      if (has_shifts) {
        to = WriteElements(from.shifts, from.num_groups, group, ShiftDType(format_), to);
      }
    } else {
      if (group % format_.step_groups == 0) {
        const std::int64_t step = group / format_.step_groups;
        to = WriteElements(from.scales, from.num_steps, step, kStepDType, to);
        if (has_shifts) to = WriteElements(from.shifts, from.num_steps, step, kStepDType, to);
      }
      to = WriteMultiples(from.scale_multiples, from.num_groups, group, to);
      if (has_shifts) to = WriteMultiples(from.shift_multiples, from.num_groups, group, to);
    }
    for (std::int32_t unit = 0; unit < order_.group_units[i]; ++unit) {
      WriteUnit(planes_, codes, packed_in(), to);
      codes += planes_.inputs;
      to += planes_.bytes;
    }
  }
}

void PanelWeight::DecodeRow(std::int64_t row, float* values) const {
  const char* at = Panel(row / kPanelOutputs);
  const auto n = static_cast<int>(row % kPanelOutputs);
  const std::int32_t* inputs = order_.input.data();
  const char* steps = at;
  for (int g = 0; g < format_.num_groups; ++g) {
    if (format_.step_groups > 0 && g % format_.step_groups == 0) {
      steps = at;
      at += format_.step_bytes;
    }
    float scale = ReadElement(DTypeOf(format_.scale_kind), at, n);
    float shift = format_.constant_zero;
    if (HasShifts(format_)) shift = ReadElement(ShiftDType(format_), at + format_.scale_bytes, n);
    if (format_.step_groups > 0) {
      scale *= ReadElement(kStepDType, steps, n);
      if (HasShifts(format_)) shift *= ReadElement(kStepDType, steps, kPanelOutputs + n);
    }
    at += format_.header_bytes;
    for (std::int32_t unit = 0; unit < format_.group_units[g]; ++unit) {
      for (int i = 0; i < planes_.inputs; ++i) {
        if (inputs[i] < 0) continue;
        const int code = GetCode(planes_, n, i, at);
        const float c =
            table_.empty() ? static_cast<float>(code) : table_[static_cast<std::size_t>(code)];
        values[inputs[i]] = QuantizedValue(shift_, c, scale, shift);
      }
      inputs += planes_.inputs;
      at += planes_.bytes;
    }
  }
}

StatusOr<std::unique_ptr<PackedWeight>> PanelWeight::Pack(const QuantizedWeight& weight,
                                                          ThreadPool& pool) {
  const QuantizedLayout& layout = weight.layout();
  const int unit_inputs = PlanesOf(KindOf(layout)).inputs;
  std::unique_ptr<PanelWeight> packed(new PanelWeight(layout, OrderInputs(layout, unit_inputs)));
  QUIRE_ASSIGN_OR_RETURN(packed->memory_,
                         AllocateCpuMemory(packed->num_panels() * packed->format_.panel_bytes));
  pool.Run(packed->num_panels(),
           [&](std::int64_t panel, int) { packed->PackPanel(weight, panel); });
  return packed;
}

StatusOr<std::unique_ptr<PackedWeight>> PackCpuWeight(const QuantizedWeight& weight,
                                                      ThreadPool& pool) {
  return IsInt8PerOutput(weight.layout()) ? RowWeight::Pack(weight, pool)
                                          : PanelWeight::Pack(weight, pool);
}

}  // namespace quire::kernels::cpu
