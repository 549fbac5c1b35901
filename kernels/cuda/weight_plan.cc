#include "kernels/cuda/weight_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/half.h"

namespace quire::kernels::cuda {
namespace {

constexpr std::int64_t kStepInputs = std::int64_t{kStepUnits} * kUnitInputs;
std::int64_t RoundUp(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Inputs of every group that has any, group by group.
std::vector<std::vector<std::int32_t>> InputsOfGroups(const QuantizedLayout& layout,
                                                      std::vector<std::int32_t>& groups) {
  std::vector<std::vector<std::int32_t>> all(static_cast<std::size_t>(layout.num_groups));
  for (std::size_t k = 0; k < layout.group_of_input.size(); ++k) {
    all[static_cast<std::size_t>(layout.group_of_input[k])].push_back(static_cast<std::int32_t>(k));
  }
  std::vector<std::vector<std::int32_t>> inputs;
  for (std::size_t g = 0; g < all.size(); ++g) {
    if (all[g].empty()) continue;
    groups.push_back(static_cast<std::int32_t>(g));
    inputs.push_back(std::move(all[g]));
  }
  return inputs;
}

// log2 of the largest granule that every group but the last is a multiple of, at least a slice and
// no longer than needed.
int GranuleShift(const std::vector<std::vector<std::int32_t>>& groups, std::int64_t in) {
  int shift = 4;
  const auto fits = [&](int next) {
    return (std::int64_t{1} << (next - 1)) < in &&
           std::all_of(groups.begin(), groups.empty() ? groups.end() : groups.end() - 1,
                       [&](const auto& group) { return group.size() % (1u << next) == 0; });
  };
  while (fits(shift + 1)) ++shift;
  return shift;
}

void OrderInputs(const QuantizedLayout& layout, WeightPlan& plan) {
  std::vector<std::int32_t> group_ids;
  const auto groups = InputsOfGroups(layout, group_ids);
  WeightView& view = plan.view;
  view.granule_shift = GranuleShift(groups, layout.in);
  const std::int64_t granule_inputs = std::int64_t{1} << view.granule_shift;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    plan.inputs.insert(plan.inputs.end(), groups[g].begin(), groups[g].end());
    // The last group ends a unit, which may be less than a granule.
    const bool is_last = g + 1 == groups.size();
    const auto size = static_cast<std::int64_t>(plan.inputs.size());
    plan.inputs.resize(
        static_cast<std::size_t>(RoundUp(size, is_last ? kUnitInputs : kSliceInputs)), -1);
    const auto granules =
        RoundUp(static_cast<std::int64_t>(plan.inputs.size()), granule_inputs) / granule_inputs;
    plan.granule_groups.resize(static_cast<std::size_t>(granules), group_ids[g]);
  }
  view.units = static_cast<int>(plan.inputs.size() / kUnitInputs);
  view.granules = static_cast<int>(plan.granule_groups.size());
  plan.keeps_order = true;
  for (std::size_t p = 0; p < plan.inputs.size(); ++p) {
    const std::int32_t wanted =
        p < static_cast<std::size_t>(layout.in) ? static_cast<std::int32_t>(p) : -1;
    plan.keeps_order = plan.keeps_order && plan.inputs[p] == wanted;
  }
}

TermKind TermKindOf(const QuantizedLayout& layout, const WeightPlan& plan) {
  const bool has_shifts =
      layout.shift == CodeShift::kZeroPoint || layout.shift == CodeShift::kOffset;
  const bool keeps_steps =
      layout.step_groups > 0 && plan.keeps_order &&
      (std::int64_t{layout.step_groups} << plan.view.granule_shift) == kStepInputs &&
      layout.in % kStepInputs == 0;
  if (keeps_steps) return has_shifts ? TermKind::kSteppedShift : TermKind::kStepped;
  // Scales that are products of steps need more bits than steps.
  if (layout.step_groups > 0 || layout.scale_dtype == DType::kF32) {
    return has_shifts ? TermKind::kFloatShift : TermKind::kFloat;
  }
  return has_shifts ? TermKind::kHalfShift : TermKind::kHalf;
}

void SetTable(const QuantizedLayout& layout, WeightView& view) {
  view.has_table = !layout.table.empty();
  if (!view.has_table) return;
  float largest = 0;
  for (std::size_t i = 0; i < layout.table.size(); ++i) {
    view.table[i] = layout.table[i];
    largest = std::max(largest, std::abs(layout.table[i]));
  }
  // Up to 2^13: f16 has the most bits below it, and sums with rows below 2^15 are far from f32's
  // end.
  if (largest > 0 && std::isfinite(largest)) {
    view.table_factor = std::ldexp(1.0f, 13 - std::ilogb(largest));
  }
  view.table_is_f16 = std::all_of(layout.table.begin(), layout.table.end(), [&](float value) {
    const float scaled = value * view.table_factor;
    return F16ToF32(F32ToF16(scaled)) == scaled;
  });
}

void WriteElement(DType dtype, float value, std::uint8_t* to) {
  ConvertFromF32(dtype, &value, to, 1);
}

}  // namespace

std::int64_t WeightPlan::codes_bytes() const {
  return std::int64_t{view.tiles} * view.units * UnitBytes(view.code_bits);
}
std::int64_t WeightPlan::terms_bytes() const {
  return std::int64_t{view.tiles} * view.granules * kTileOutputs * TermBytes(view.term_kind);
}
std::int64_t WeightPlan::steps_bytes() const {
  return std::int64_t{view.tiles} * (view.units / kStepUnits) * kTileOutputs *
         StepBytes(view.term_kind);
}
std::int64_t WeightPlan::inputs_bytes() const {
  return keeps_order ? 0 : static_cast<std::int64_t>(inputs.size() * sizeof(std::int32_t));
}

WeightPlan PlanWeight(const QuantizedLayout& layout) {
  WeightPlan plan;
  WeightView& view = plan.view;
  view.out = layout.out;
  view.in = layout.in;
  view.tiles = static_cast<int>((layout.out + kTileOutputs - 1) / kTileOutputs);
  view.code_bits = layout.code_bits;
  OrderInputs(layout, plan);
  view.term_kind = TermKindOf(layout, plan);
  view.half_is_bf16 = layout.scale_dtype == DType::kBF16;
  view.shift_use = layout.shift == CodeShift::kOffset ? ShiftUse::kOffset : ShiftUse::kZero;
  view.constant_zero = layout.shift == CodeShift::kConstantZero ? layout.constant_zero : 0.0f;
  SetTable(layout, view);
  PlanParts(view);
  return plan;
}

void WriteTerms(const QuantizedWeight& weight, const WeightPlan& plan, int first_tile,
                int num_tiles, std::uint8_t* terms, std::uint8_t* steps) {
  const QuantizedLayout& layout = weight.layout();
  const WeightView& view = plan.view;
  const std::int64_t first = std::int64_t{first_tile} * kTileOutputs;
  const std::int64_t count = std::min(layout.out - first, std::int64_t{num_tiles} * kTileOutputs);
  const std::int64_t num_groups = layout.num_groups;
  const std::int64_t num_steps = layout.num_steps();
  const auto groups = static_cast<std::size_t>(count * num_groups);
  const int term_bytes = TermBytes(view.term_kind);
  const int step_bytes = StepBytes(view.term_kind);
  const bool has_shifts = HasShifts(view.term_kind);
  const std::int64_t outputs = std::int64_t{num_tiles} * kTileOutputs;
  std::memset(terms, 0, static_cast<std::size_t>(outputs * view.granules * term_bytes));
  std::memset(steps, 0, static_cast<std::size_t>(outputs * num_steps * step_bytes));

  std::vector<float> scales(groups);
  std::vector<float> shifts(groups);
  std::vector<std::int8_t> scale_multiples(step_bytes > 0 ? groups : 0);
  std::vector<std::int8_t> shift_multiples(scale_multiples.size());
  if (step_bytes > 0) {
    weight.ReadScaleSteps(first, count,
                          {.scale_steps = scales.data(),
                           .shift_steps = shifts.data(),
                           .scales = scale_multiples.data(),
                           .shifts = shift_multiples.data()});
  } else {
    weight.ReadScales(first, count, scales.data(), shifts.data());
  }

  const DType scale_dtype =
      view.term_kind == TermKind::kHalf || view.term_kind == TermKind::kHalfShift
          ? layout.scale_dtype
          : DType::kF32;
  // Zero points are integers up to 256, which bf16 holds as well, but f16 is what kernels expect.
  const DType shift_dtype =
      scale_dtype != DType::kF32 && view.shift_use == ShiftUse::kZero ? DType::kF16 : scale_dtype;
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t tile = n / kTileOutputs;
    const std::int64_t output = n % kTileOutputs;
    for (std::int64_t granule = 0; granule < view.granules; ++granule) {
      const auto from = static_cast<std::size_t>(
          n * num_groups + plan.granule_groups[static_cast<std::size_t>(granule)]);
      std::uint8_t* const to =
          terms + ((tile * view.granules + granule) * kTileOutputs + output) * term_bytes;
      if (step_bytes > 0) {
        to[0] = static_cast<std::uint8_t>(scale_multiples[from]);
        if (has_shifts) to[1] = static_cast<std::uint8_t>(shift_multiples[from]);
        continue;
      }
      WriteElement(scale_dtype, scales[from], to);
      if (has_shifts) WriteElement(shift_dtype, shifts[from], to + term_bytes / 2);
    }
    if (step_bytes == 0) continue;
    for (std::int64_t step = 0; step < num_steps; ++step) {
      std::uint8_t* const to =
          steps + ((tile * num_steps + step) * kTileOutputs + output) * step_bytes;
      const auto from = static_cast<std::size_t>(n * num_steps + step);
      WriteElement(DType::kF16, scales[from], to);
      if (has_shifts) WriteElement(DType::kF16, shifts[from], to + 2);
    }
  }
}

}  // namespace quire::kernels::cuda
