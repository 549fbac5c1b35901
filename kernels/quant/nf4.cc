#include "kernels/quant/nf4.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/quant/lanes.h"

namespace quire::kernels {

const std::array<float, 16> kNf4Values = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

namespace {

// [-1, 1] in cells that are far narrower than two changes of the code are apart, so that one
// comparison is left in each.
constexpr int kCells = 512;
constexpr float kCellsPerUnit = kCells / 2;

// What is nearest to numbers of one cell: up to `bound` the value `below`, beyond it `above`.
struct Cell {
  float bound;
  float below;
  float above;
  std::int32_t code;  // of `below`; that of `above` is the next
};

const std::array<Cell, kCells> kNf4Cells = [] {
  // Codes change halfway between two values.
  std::array<float, 16> bounds{};
  for (std::size_t i = 0; i < 15; ++i) bounds[i] = (kNf4Values[i] + kNf4Values[i + 1]) / 2;
  bounds[15] = std::numeric_limits<float>::infinity();
  std::array<Cell, kCells> cells{};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    // A little lower, as finding the cell may round up.
    const float edge = static_cast<float>(i) / kCellsPerUnit - 1 - 1e-4f;
    const auto* const bound = std::lower_bound(bounds.begin(), bounds.end(), edge);
    const auto code = static_cast<std::size_t>(bound - bounds.begin());
    cells[i] = {.bound = *bound,
                .below = kNf4Values[code],
                .above = kNf4Values[std::min<std::size_t>(code + 1, 15)],
                .code = static_cast<std::int32_t>(code)};
  }
  return cells;
}();

// The number of each one's cell.
Ints CellsOf(Floats scaled) {
  const Floats last = Splat(kCells - 1);
  Floats place = (scaled + 1.0f) * kCellsPerUnit;
  place = place > 0.0f ? place : Splat(0);  // and 0 for NaN
  place = place < last ? place : last;
  return __builtin_convertvector(place, Ints);
}

// The cells of four numbers, member by member.
struct CellColumns {
  Floats bound;
  Floats below;
  Floats above;
  Ints code;

  explicit CellColumns(Floats scaled) {
    const auto offsets = std::bit_cast<std::array<std::uint32_t, kQuantLanes>>(
        CellsOf(scaled) * std::int32_t{sizeof(Cell)});
    std::array<Floats, kQuantLanes> rows;
    for (std::size_t i = 0; i < kQuantLanes; ++i) {
      std::memcpy(&rows[i], reinterpret_cast<const char*>(kNf4Cells.data()) + offsets[i],
                  sizeof(Cell));
    }
    const Floats low01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    const Floats low23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    const Floats high01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    const Floats high23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    bound = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    below = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    above = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    code = std::bit_cast<Ints>(__builtin_shufflevector(high01, high23, 2, 3, 6, 7));
  }
};

Floats NearestNf4Values(Floats scaled) {
  const CellColumns cells(scaled);
  return scaled > cells.bound ? cells.above : cells.below;
}

Ints NearestNf4Codes(Floats scaled) {
  const CellColumns cells(scaled);
  return cells.code - (scaled > cells.bound);
}

}  // namespace

std::uint8_t Nf4Code(float scaled) {
  return static_cast<std::uint8_t>(NearestNf4Codes(Splat(scaled))[0]);
}

void Nf4Codes(const float* scaled, std::int64_t size, std::uint8_t* codes) {
  std::int64_t i = 0;
  for (; i + kQuantLanes <= size; i += kQuantLanes) {
    StoreBytes(NearestNf4Codes(LoadFloats(scaled + i)), codes + i);
  }
  for (; i < size; ++i) codes[i] = Nf4Code(scaled[i]);
}

float LargestMagnitude(const float* values, std::int64_t size) {
  // Magnitudes order like the bits that stand for them.
  constexpr std::int32_t kInfinity = 0x7f800000;
  std::int32_t largest = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(values[i]) & 0x7fffffff;
    const std::int32_t number = bits > kInfinity ? 0 : bits;
    largest = number > largest ? number : largest;
  }
  return std::bit_cast<float>(largest);
}

float Nf4Scale(const float* block, std::int64_t size) {
  const float absmax = LargestMagnitude(block, size);
  // One in each lane, whose errors are summed in order.
  constexpr Floats kParts = {1.0f, 0.94f, 0.88f, 0.82f};
  const Floats scales = absmax * kParts;
  const Floats inverse = 1.0f / scales;
  Floats errors = {};
  for (std::int64_t i = 0; i < size; ++i) {
    const Floats scaled = block[i] * inverse;
    const Floats difference = scaled - NearestNf4Values(scaled);
    errors += difference * difference;
  }
  errors *= kParts * kParts;
  float best = absmax;
  float least_error = std::numeric_limits<float>::infinity();
  for (int part = 0; part < kQuantLanes; ++part) {
    if (errors[part] < least_error) {
      least_error = errors[part];
      best = scales[part];
    }
  }
  return best;
}

}  // namespace quire::kernels
