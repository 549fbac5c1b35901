#pragma once

#include <cstdint>

#include "kernels/cpu/call_with_count-inl.h"
#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/panel_codes-inl.h"
#include "kernels/cpu/vec-inl.h"

// y = x W^T with the weight in panels of codes (microkernels.h). Lanes are outputs. Every output
// has a sum of codes times x for its group, which takes the inputs in order, and a total that takes
// the groups in order:
//   total += scale * (sum - zero_point * sum of x),  or  total += scale * sum + offset * sum of x
// Both paths below and all their tiles do just that, so a row has the same bits whatever it is
// computed with.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// --- Scales and shifts --------------------------------------------------------------------------

VecF32 LoadElements(ElementKind kind, const char* from, int first) {
  const void* const elements = from;
  switch (kind) {
    case ElementKind::kF16:
      return VecF32::LoadF16(static_cast<const std::uint16_t*>(elements) + first);
    case ElementKind::kBF16:
      return VecF32::LoadBF16(static_cast<const std::uint16_t*>(elements) + first);
    case ElementKind::kI8:
      return VecF32::LoadI8(static_cast<const std::int8_t*>(elements) + first);
    default:
      return VecF32::Load(static_cast<const float*>(elements) + first);
  }
}

// Walks through the headers of a panel.
class HeaderReader {
 public:
  explicit HeaderReader(const char* panel) : header(panel), steps(panel) {}
  // `panel` moves on past what was read.
  void Next(const PanelFormat& format, const char*& panel) {
    if (format.step_groups > 0) {
      if (rest_ == 0) {
        steps = panel;
        panel += format.step_bytes;
        rest_ = format.step_groups;
      }
      --rest_;
    }
    header = panel;
    panel += format.header_bytes;
  }

  const char* header;  // of the group
  const char* steps;   // not read if the format has none

 private:
  int rest_ = 0;  // groups that the steps still serve
};

// The scales and shifts of one group for the outputs [first, first + kLanes) of a panel.
struct GroupScale {
  VecF32 scale;
  VecF32 shift;
  PanelShift kind;

  static GroupScale Load(const PanelFormat& format, const char* header, const char* steps,
                         int first) {
    GroupScale group = {.scale = LoadElements(format.scale_kind, header, first),
                        .shift = VecF32::Zero(),
                        .kind = format.shift};
    const char* shifts = header + format.scale_bytes;
    if (format.shift == PanelShift::kConstantZero) {
      group.shift = VecF32::Splat(format.constant_zero);
    } else if (format.shift == PanelShift::kZeroPoint) {
      group.shift = LoadElements(ElementKind::kF16, shifts, first);
    } else if (format.shift == PanelShift::kOffset) {
      group.shift = LoadElements(format.scale_kind, shifts, first);
    }
    if (format.step_groups > 0) {
      group.scale = group.scale * LoadElements(ElementKind::kF16, steps, first);
      if (format.shift == PanelShift::kOffset) {
        group.shift = group.shift * LoadElements(ElementKind::kF16, steps, kPanelOutputs + first);
      }
    }
    return group;
  }

  // `x_sum`: of the group's x; not read where there is no shift.
  VecF32 AddTo(VecF32 total, VecF32 sum, const float* x_sum) const {
    if (kind == PanelShift::kNone) return VecF32::MulAdd(scale, sum, total);
    if (kind == PanelShift::kOffset) {
      return VecF32::MulAdd(VecF32::Splat(*x_sum), shift, VecF32::MulAdd(scale, sum, total));
    }
    return VecF32::MulAdd(scale, VecF32::MulAdd(VecF32::Splat(-*x_sum), shift, sum), total);
  }
};

// Outputs [panel, panel + kPanelOutputs) of one token, as far as y has them.
template <typename Args>
void StoreTotals(const Args& a, int token, int panel, const float* totals) {
  float* const y = a.y + token * a.y_stride + panel;
  const int count = a.outputs - panel < kPanelOutputs ? a.outputs - panel : kPanelOutputs;
  for (int j = 0; j < count; ++j) {
    float value = totals[j];
    if (a.bias != nullptr) value += a.bias[panel + j];
    y[j] = a.accumulate ? y[j] + value : value;
  }
}

// --- Few tokens ---------------------------------------------------------------------------------

constexpr int kPanelGemvTokens = VecF32::kRegisters == 32 ? 6 : (VecF32::kHasFma ? 3 : 1);

// Panels that a tile of `rows` tokens takes at a time: with eight sums or more in flight the
// latency of the multiply-adds is hidden.
constexpr int PanelsAtOnce(int rows) {
  const int panels = 8 / (rows * kVectorsOfPanel);
  return panels < 1 ? 1 : panels;
}

// All groups of kPanels panels side by side for kRows tokens.
template <typename Codes, int kRows, int kPanels>
void PanelTile(const PanelGemvArgs& a, int first_panel) {
  constexpr int kVectors = kPanels * kVectorsOfPanel;
  const PanelFormat& format = *a.format;
  constexpr int kUnitBytes = PlanesOf(Codes::kKind).bytes;
  const Codes codes(format.table);
  const char* at = a.panels + first_panel * format.panel_bytes;
  const float* x = a.x;
  VecF32 totals[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) totals[r][v] = VecF32::Zero();
  }
  HeaderReader headers(at);
  for (int g = 0; g < format.num_groups; ++g) {
    headers.Next(format, at);
    VecF32 sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) sums[r][v] = VecF32::Zero();
    }
    for (int unit = 0; unit < format.group_units[g]; ++unit) {
      for (int v = 0; v < kVectors; ++v) {
        VecU8 steps[Codes::kSteps];
        codes.Load(at + v / kVectorsOfPanel * format.panel_bytes, v % kVectorsOfPanel, steps);
        for (int s = 0; s < Codes::kSteps; ++s) {
          VecF32 values[4];
          codes.ToF32(steps[s], values);
          for (int i = 0; i < 4; ++i) {
            for (int r = 0; r < kRows; ++r) {
              sums[r][v] = VecF32::MulAdd(VecF32::Splat(x[r * a.x_stride + 4 * s + i]), values[i],
                                          sums[r][v]);
            }
          }
        }
      }
      at += kUnitBytes;
      x += 4 * Codes::kSteps;
    }
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t panel = v / kVectorsOfPanel * format.panel_bytes;
      const GroupScale scale =
          GroupScale::Load(format, headers.header + panel, headers.steps + panel,
                           v % kVectorsOfPanel * VecF32::kLanes);
      for (int r = 0; r < kRows; ++r) {
        totals[r][v] =
            scale.AddTo(totals[r][v], sums[r][v], a.group_sums + r * format.num_groups + g);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kPanels; ++p) {
      float outputs[kPanelOutputs];
      for (int v = 0; v < kVectorsOfPanel; ++v) {
        totals[r][p * kVectorsOfPanel + v].Store(outputs + v * VecF32::kLanes);
      }
      StoreTotals(a, r, (first_panel + p) * kPanelOutputs, outputs);
    }
  }
}

template <typename Codes>
struct PanelGemvBody {
  template <int kRows>
  struct Rows {
    static void Run(const PanelGemvArgs& a) {
      constexpr int kPanels = PanelsAtOnce(kRows);
      int panel = 0;
      for (; panel + kPanels <= a.num_panels; panel += kPanels) {
        PanelTile<Codes, kRows, kPanels>(a, panel);
      }
      for (; panel < a.num_panels; ++panel) PanelTile<Codes, kRows, 1>(a, panel);
    }
  };
};

template <typename Codes>
void PanelGemv(const PanelGemvArgs& a) {
  CallWithCount<kPanelGemvTokens, PanelGemvBody<Codes>::template Rows>(a.tokens, a);
}

// --- Many tokens --------------------------------------------------------------------------------

// A register tile is kPanelRowTile tokens by kTileVectors vectors of outputs: 12 accumulators of 16
// registers with AVX2, 24 of 32 with AVX-512, 8 of 16 where a product needs a register of its own.
constexpr int kPanelRowTile = VecF32::kRegisters == 32 ? 12 : (VecF32::kHasFma ? 6 : 4);
constexpr int kTileVectors = 2;
static_assert(kVectorsOfPanel % kTileVectors == 0);

// Inputs converted to f32 at a time, at most: with 32 outputs half of a 32 KiB L1 cache.
constexpr int kPanelBlock = 128;

constexpr std::int64_t kPanelScratchFloats =
    std::int64_t{kPanelBlock} * kPanelOutputs + std::int64_t{2} * kGemmTokens * kPanelOutputs;

// A stretch of one group: its first input, and whether it begins and ends the group.
struct PanelStretch {
  int group;
  const char* header;
  const char* steps;
  std::int64_t input;
  int inputs;
  bool begins;
  bool ends;
};

// The sums of kRows tokens over a stretch, and their part of the totals where it ends its group.
template <int kRows>
struct PanelGemmTile {
  // `x`: [inputs][kRows]; `w`: [inputs][kPanelOutputs]; `sums` and `totals`:
  // [kRows][kPanelOutputs]; `x_sums`: of the group, one every num_groups.
  static void Run(const PanelFormat& format, const PanelStretch& stretch, const float* x,
                  const float* w, float* sums, float* totals, const float* x_sums) {
    for (int first = 0; first < kVectorsOfPanel; first += kTileVectors) {
      RunVectors(format, stretch, x, w, sums, totals, x_sums, first * VecF32::kLanes);
    }
  }

 private:
  static void RunVectors(const PanelFormat& format, const PanelStretch& stretch, const float* x,
                         const float* w, float* sums, float* totals, const float* x_sums,
                         int column) {
    VecF32 sum[kRows][kTileVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) {
        const float* from = sums + r * kPanelOutputs + column + v * VecF32::kLanes;
        sum[r][v] = stretch.begins ? VecF32::Zero() : VecF32::Load(from);
      }
    }
    w += column;
    for (int k = 0; k < stretch.inputs; ++k) {
      VecF32 value[kTileVectors];
      for (int v = 0; v < kTileVectors; ++v) value[v] = VecF32::Load(w + v * VecF32::kLanes);
      for (int r = 0; r < kRows; ++r) {
        const VecF32 factor = VecF32::Splat(x[r]);
        for (int v = 0; v < kTileVectors; ++v) {
          sum[r][v] = VecF32::MulAdd(factor, value[v], sum[r][v]);
        }
      }
      x += kRows;
      w += kPanelOutputs;
    }
    for (int v = 0; v < kTileVectors; ++v) {
      const int first = column + v * VecF32::kLanes;
      if (!stretch.ends) {
        for (int r = 0; r < kRows; ++r) sum[r][v].Store(sums + r * kPanelOutputs + first);
        continue;
      }
      const GroupScale scale = GroupScale::Load(format, stretch.header, stretch.steps, first);
      for (int r = 0; r < kRows; ++r) {
        float* const total = totals + r * kPanelOutputs + first;
        scale.AddTo(VecF32::Load(total), sum[r][v], x_sums + r * format.num_groups).Store(total);
      }
    }
  }
};

int PanelTileRows(int tokens, int first) {
  return tokens - first < kPanelRowTile ? tokens - first : kPanelRowTile;
}

// Adds one stretch, whose codes start at `codes`, to the sums of all tokens.
template <typename Codes>
void PanelStretchTokens(const PanelGemmArgs& a, const Codes& codes, const PanelStretch& stretch,
                        const char* at, std::int64_t all_inputs) {
  constexpr int kUnitBytes = PlanesOf(Codes::kKind).bytes;
  float* const block = a.scratch;
  float* const sums = block + kPanelBlock * kPanelOutputs;
  float* const totals = sums + kGemmTokens * kPanelOutputs;
  for (int k = 0; k < stretch.inputs; k += 4 * Codes::kSteps) {
    for (int v = 0; v < kVectorsOfPanel; ++v) {
      VecU8 steps[Codes::kSteps];
      codes.Load(at, v, steps);
      float* to = block + k * kPanelOutputs + v * VecF32::kLanes;
      for (int s = 0; s < Codes::kSteps; ++s) {
        VecF32 values[4];
        codes.ToF32(steps[s], values);
        for (int i = 0; i < 4; ++i, to += kPanelOutputs) values[i].Store(to);
      }
    }
    at += kUnitBytes;
  }
  for (int t = 0; t < a.tokens; t += kPanelRowTile) {
    const int rows = PanelTileRows(a.tokens, t);
    CallWithCount<kPanelRowTile, PanelGemmTile>(
        rows, *a.format, stretch, a.packed_x + t * all_inputs + rows * stretch.input,
        static_cast<const float*>(block), sums + t * kPanelOutputs, totals + t * kPanelOutputs,
        a.group_sums + std::int64_t{t} * a.format->num_groups + stretch.group);
  }
}

template <typename Codes>
void PanelGemm(const PanelGemmArgs& a) {
  constexpr UnitPlanes kUnit = PlanesOf(Codes::kKind);
  constexpr int kBlockUnits = kPanelBlock / kUnit.inputs;
  const PanelFormat& format = *a.format;
  const Codes codes(format.table);
  std::int64_t all_inputs = 0;
  for (int g = 0; g < format.num_groups; ++g) {
    all_inputs += std::int64_t{format.group_units[g]} * kUnit.inputs;
  }
  float* const totals = a.scratch + (kPanelBlock + kGemmTokens) * kPanelOutputs;
  for (std::int64_t i = 0; i < std::int64_t{a.tokens} * kPanelOutputs; ++i) totals[i] = 0;

  const char* at = a.panel;
  std::int64_t input = 0;
  HeaderReader headers(at);
  for (int g = 0; g < format.num_groups; ++g) {
    headers.Next(format, at);
    for (int unit = 0; unit < format.group_units[g]; unit += kBlockUnits) {
      const int rest = format.group_units[g] - unit;
      const int units = rest < kBlockUnits ? rest : kBlockUnits;
      const PanelStretch stretch = {.group = g,
                                    .header = headers.header,
                                    .steps = headers.steps,
                                    .input = input,
                                    .inputs = units * kUnit.inputs,
                                    .begins = unit == 0,
                                    .ends = units == rest};
      PanelStretchTokens(a, codes, stretch, at, all_inputs);
      at += std::int64_t{units} * kUnit.bytes;
      input += stretch.inputs;
    }
  }
  for (int t = 0; t < a.tokens; ++t) StoreTotals(a, t, 0, totals + t * kPanelOutputs);
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
