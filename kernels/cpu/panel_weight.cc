#include "kernels/cpu/panel_weight.h"

#include <algorithm>

#include "kernels/cpu/cpu_memory.h"
#include "kernels/cpu/cpu_stream.h"
#include "kernels/cpu/row_weight.h"
#include "kernels/half.h"

namespace quire::kernels::cpu {
namespace {

constexpr int kBlockOutputs = 4;  // of 16 bytes

CodeKind KindOf(const QuantizedLayout& layout) {
  if (!layout.table.empty()) return CodeKind::kTable4;
  return layout.code_bits == 8 ? CodeKind::kInt8 : CodeKind::kInt4;
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
  return kind == ElementKind::kF32   ? DType::kF32
         : kind == ElementKind::kF16 ? DType::kF16
                                     : DType::kBF16;
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
struct PanelCodes {
  PanelCodes(const QuantizedWeight& weight, std::int64_t first)
      : in(weight.layout().in), num_groups(weight.layout().num_groups) {
    const auto outputs = static_cast<std::size_t>(kPanelOutputs);
    codes.resize(outputs * static_cast<std::size_t>(in));
    scales.resize(outputs * static_cast<std::size_t>(num_groups));
    shifts.resize(scales.size());
    const std::int64_t count = std::min<std::int64_t>(kPanelOutputs, weight.layout().out - first);
    weight.ReadCodes(first, count, codes.data());
    weight.ReadScales(first, count, scales.data(), shifts.data());
  }

  std::int64_t in;
  std::int64_t num_groups;
  std::vector<std::uint8_t> codes;  // [kPanelOutputs, in]
  std::vector<float> scales;        // [kPanelOutputs, num_groups]
  std::vector<float> shifts;        // the same
};

// Column `group` of `values` [kPanelOutputs, num_groups] as elements. Returns where they end.
char* WriteElements(const std::vector<float>& values, std::int64_t num_groups, std::int32_t group,
                    DType dtype, char* to) {
  for (std::int64_t n = 0; n < kPanelOutputs; ++n) {
    ConvertFromF32(dtype, values.data() + n * num_groups + group, to, 1);
    to += BytesPerElement(dtype);
  }
  return to;
}

// One unit: `inputs` names its inputs of the format, -1 for padding.
void WriteUnit(const PanelCodes& from, const std::int32_t* inputs, int unit_inputs, char* to) {
  for (int n = 0; n < kPanelOutputs; ++n) {
    const std::uint8_t* codes = from.codes.data() + n * from.in;
    char* const block = to + n / kBlockOutputs * 16 + n % kBlockOutputs;
    for (int p = 0; p < 4; ++p) {
      int byte = inputs[p] < 0 ? 0 : codes[inputs[p]];
      if (unit_inputs == 8 && inputs[p + 4] >= 0) byte |= codes[inputs[p + 4]] << 4;
      block[4 * p] = static_cast<char>(byte);
    }
  }
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
      code_kind_(KindOf(layout)) {
  const ElementKind scale_kind = static_cast<ElementKind>(ElementIndex(layout.scale_dtype));
  format_ = {.scale_kind = scale_kind,
             .shift = ShiftOf(layout),
             .constant_zero = layout.constant_zero,
             .table = table_.data(),
             .group_units = order_.group_units.data(),
             .num_groups = static_cast<int>(order_.groups.size()),
             .scale_bytes = kPanelOutputs * BytesPerElement(layout.scale_dtype),
             .header_bytes = 0,
             .panel_bytes = 0};
  const std::int64_t shift_bytes =
      HasShifts(format_) ? kPanelOutputs * BytesPerElement(ShiftDType(format_)) : 0;
  format_.header_bytes = format_.scale_bytes + shift_bytes;
  format_.panel_bytes =
      format_.num_groups * format_.header_bytes + packed_in() / unit_inputs() * kUnitBytes;
}

std::int64_t PanelWeight::num_panels() const { return CeilDivide(out_, kPanelOutputs); }

void PanelWeight::PackPanel(const QuantizedWeight& weight, std::int64_t panel) const {
  const PanelCodes from(weight, panel * kPanelOutputs);
  char* to = Panel(panel);
  const std::int32_t* inputs = order_.input.data();
  for (std::size_t i = 0; i < order_.groups.size(); ++i) {
    const std::int32_t group = order_.groups[i];
    to = WriteElements(from.scales, from.num_groups, group, DTypeOf(format_.scale_kind), to);
    if (HasShifts(format_)) {
      to = WriteElements(from.shifts, from.num_groups, group, ShiftDType(format_), to);
    }
    for (std::int32_t unit = 0; unit < order_.group_units[i]; ++unit) {
      WriteUnit(from, inputs, unit_inputs(), to);
      inputs += unit_inputs();
      to += kUnitBytes;
    }
  }
}

StatusOr<std::unique_ptr<PackedWeight>> PanelWeight::Pack(const QuantizedWeight& weight,
                                                          ThreadPool& pool) {
  const QuantizedLayout& layout = weight.layout();
  const int unit_inputs = KindOf(layout) == CodeKind::kInt8 ? 4 : 8;
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
