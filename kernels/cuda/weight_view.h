#pragma once

#include <cstdint>

#include "kernels/cuda/code_layout.h"

// What the kernels see of a packed weight: pointers into device memory and plain numbers.

namespace quire::kernels::cuda {

// How the scale and the shift of one output and granule are stored.
enum class TermKind : std::uint8_t {
  kFloat,         // f32 scale
  kFloatShift,    // f32 scale, f32 shift
  kHalf,          // 16-bit scale
  kHalfShift,     // 16-bit scale, 16-bit shift
  kStepped,       // signed byte times the scale's step
  kSteppedShift,  // the same for scale and shift: two bytes, two steps
};

QUIRE_HOST_DEVICE constexpr int TermBytes(TermKind kind) {
  return kind == TermKind::kFloatShift                                ? 8
         : kind == TermKind::kFloat || kind == TermKind::kHalfShift   ? 4
         : kind == TermKind::kHalf || kind == TermKind::kSteppedShift ? 2
                                                                      : 1;
}
// Of one output, for kStepUnits units. Steps are f16.
QUIRE_HOST_DEVICE constexpr int StepBytes(TermKind kind) {
  return kind == TermKind::kSteppedShift ? 4 : kind == TermKind::kStepped ? 2 : 0;
}
inline constexpr int kStepUnits = 4;

// What is done with the shift (CodeShift of kernels/quant without its header).
enum class ShiftUse : std::uint8_t {
  kZero,    // scale * (c - shift); the shift is an integer in [0, 256]
  kOffset,  // scale * c + shift
};

// A weight [out, in]. Its inputs stand group by group, groups padded with codes 0 to whole slices
// and the last one to a whole unit. A granule is a run of inputs with one scale per output: a power
// of two of at least 16 that does not cross a group's end.
struct WeightView {
  const std::uint8_t* codes = nullptr;  // [tiles, units, UnitBytes]
  const std::uint8_t* terms = nullptr;  // [tiles, granules, 16 outputs, TermBytes]
  const std::uint8_t* steps = nullptr;  // [tiles, units / kStepUnits, 16 outputs, StepBytes]
  // [units * 64] of the format, -1 for padding; null: they are 0, 1, ... in - 1, then padding.
  const std::int32_t* inputs = nullptr;
  std::int64_t out = 0;
  std::int64_t in = 0;
  int tiles = 0;
  int units = 0;
  int granules = 0;
  int granule_shift = 4;  // log2 of a granule's inputs
  int code_bits = 4;
  bool has_table = false;
  TermKind term_kind = TermKind::kFloat;
  bool half_is_bf16 = false;  // of 16-bit scales and offsets; zero points are f16 always
  ShiftUse shift_use = ShiftUse::kZero;
  float constant_zero = 0;    // the shift where the terms have none
  float table[16] = {};       // what the codes stand for, if has_table
  float table_factor = 1;     // a power of two: times it the table fits f16 best
  bool table_is_f16 = false;  // exactly, times the factor
  // The sums over the inputs are taken in `parts` parts of part_units units each, the last one
  // maybe shorter, and the parts added up in order: part of what defines the result's bits.
  int parts = 1;
  int part_units = 0;
  std::int64_t plain_stride = 0;  // elements of a row of a plain weight, whose elements are `codes`
};

// Blocks of threads that a product with few rows should have: about two per multiprocessor of a
// large device. The same for every device, so that results do not depend on it.
inline constexpr int kWantedBlocks = 256;
inline constexpr int kBlockTiles = 8;      // of such a product
inline constexpr int kLeastPartUnits = 4;  // less is not worth adding up

// Sets the parts of a weight whose tiles and units are known.
constexpr void PlanParts(WeightView& view) {
  const int blocks = view.tiles <= kBlockTiles ? 1 : (view.tiles + kBlockTiles - 1) / kBlockTiles;
  const int wanted = (kWantedBlocks + blocks - 1) / blocks;
  const int most = view.units < kLeastPartUnits ? 1 : view.units / kLeastPartUnits;
  const int parts = wanted < most ? wanted : most;
  view.part_units = view.units == 0 ? 1 : (view.units + parts - 1) / parts;
  view.parts = view.units == 0 ? 1 : (view.units + view.part_units - 1) / view.part_units;
}

QUIRE_HOST_DEVICE constexpr bool HasShifts(TermKind kind) {
  return kind == TermKind::kFloatShift || kind == TermKind::kHalfShift ||
         kind == TermKind::kSteppedShift;
}

}  // namespace quire::kernels::cuda
