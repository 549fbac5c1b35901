#pragma once

#include <cstdint>

#include "kernels/cpu/call_with_count-inl.h"
#include "kernels/cpu/microkernels.h"
#include "kernels/cpu/vec-inl.h"

// y = x W^T. Every output has one accumulator vector that takes the products of `in` in order,
// kLanes at a time, and one tree over its lanes at the end. Both paths below and all their tiles do
// just that, so a row has the same bits whatever it is computed with.

namespace quire::kernels::cpu::QUIRE_ISA {
namespace {

// A register tile is kRowTile tokens by kColTile outputs: 12 accumulators of 16 registers with
// AVX2, 24 of 32 with AVX-512, 8 of 16 where a product needs a register of its own.
constexpr int kRowTile = VecF32::kRegisters == 32 ? 6 : (VecF32::kHasFma ? 3 : 2);
constexpr int kColTile = 4;

// Tokens up to which Gemv is quicker than Gemm: by a third for 8 and an eighth for 16 of them with
// AVX2, not for 64 (kernel_bench Linear, Zen 3). With AVX-512 not measured beyond one tile.
constexpr int kGemvTokens = VecF32::kRegisters == 32 ? kRowTile : 8 * kRowTile;

// Outputs and steps of `in` converted to f32 at a time: 16 rows of 256 floats leave half of a
// 32 KiB L1 cache to x.
constexpr int kColGroup = 16;
constexpr int kBlockSteps = 256 / VecF32::kLanes;
constexpr int kBlock = kBlockSteps * VecF32::kLanes;

constexpr std::int64_t kLinearScratchFloats =
    std::int64_t{kColGroup} * kBlock + std::int64_t{kGemmTokens} * kColGroup * VecF32::kLanes;

// Output `j` of `a`, whose products lie in the lanes of `sum`.
template <typename Args>
void StoreOutput(const Args& a, int token, int j, VecF32 sum) {
  float value = sum.Sum();
  if (a.scales != nullptr) value *= a.scales[j];
  if (a.bias != nullptr) value += a.bias[j];
  float* const y = a.y + token * a.y_stride + j;
  *y = a.accumulate ? *y + value : value;
}

// --- Few tokens ---------------------------------------------------------------------------------

// Outputs that a tile of `rows` tokens takes at a time: as many rows of weights in flight as there
// are registers for. With one token eight streams reach the read bandwidth and four do not; asking
// for the weights ahead of the hardware made it slower (kernel_bench Linear, Zen 3).
constexpr int GemvCols(int rows) { return rows == 1 ? 2 * kColTile : kColTile; }

template <typename Element, int kRows, int kCols>
void GemvTile(const GemvArgs& a, int first_output) {
  using Storage = typename Element::Storage;
  const Storage* w[kCols];
  for (int c = 0; c < kCols; ++c) {
    w[c] = static_cast<const Storage*>(a.w) + (first_output + c) * a.w_stride;
  }
  VecF32 sum[kRows][kCols];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) sum[r][c] = VecF32::Zero();
  }
  std::int64_t k = 0;
  for (; k + VecF32::kLanes <= a.in; k += VecF32::kLanes) {
    VecF32 x[kRows];
    for (int r = 0; r < kRows; ++r) x[r] = VecF32::Load(a.x + r * a.x_stride + k);
    for (int c = 0; c < kCols; ++c) {
      const VecF32 weight = Element::Load(w[c] + k);
      for (int r = 0; r < kRows; ++r) sum[r][c] = VecF32::MulAdd(x[r], weight, sum[r][c]);
    }
  }
  const int rest = static_cast<int>(a.in - k);
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kCols; ++c) {
      if (rest > 0) {
        sum[r][c] = VecF32::MulAdd(VecF32::LoadPartial(a.x + r * a.x_stride + k, rest),
                                   Element::LoadPartial(w[c] + k, rest), sum[r][c]);
      }
      StoreOutput(a, r, first_output + c, sum[r][c]);
    }
  }
}

template <typename Element, int kRows>
void GemvRows(const GemvArgs& a) {
  constexpr int kCols = GemvCols(kRows);
  int j = 0;
  for (; j + kCols <= a.outputs; j += kCols) GemvTile<Element, kRows, kCols>(a, j);
  for (; j + kColTile <= a.outputs; j += kColTile) GemvTile<Element, kRows, kColTile>(a, j);
  for (; j < a.outputs; ++j) GemvTile<Element, kRows, 1>(a, j);
}

template <typename Element>
struct GemvBody {
  template <int kRows>
  struct Rows {
    static void Run(const GemvArgs& a) { GemvRows<Element, kRows>(a); }
  };
};

int TileRows(int tokens, int first) {
  return tokens - first < kRowTile ? tokens - first : kRowTile;
}

// Where tokens are more than one tile, every tile but the first takes the weights of a few outputs
// from the L1 or L2 cache and converts them again: that hides behind its products, as storing
// converted weights does not.
template <typename Element>
void Gemv(const GemvArgs& a) {
  if (a.tokens <= kRowTile) {
    return CallWithCount<kRowTile, GemvBody<Element>::template Rows>(a.tokens, a);
  }
  GemvArgs tile = a;
  for (int j = 0; j < a.outputs; j += kColTile) {
    tile.outputs = a.outputs - j < kColTile ? a.outputs - j : kColTile;
    tile.w = static_cast<const typename Element::Storage*>(a.w) + j * a.w_stride;
    tile.scales = a.scales == nullptr ? nullptr : a.scales + j;
    tile.bias = a.bias == nullptr ? nullptr : a.bias + j;
    for (int t = 0; t < a.tokens; t += kRowTile) {
      tile.tokens = TileRows(a.tokens, t);
      tile.x = a.x + t * a.x_stride;
      tile.y = a.y + t * a.y_stride + j;
      CallWithCount<kRowTile, GemvBody<Element>::template Rows>(tile.tokens, tile);
    }
  }
}

// --- Many tokens --------------------------------------------------------------------------------

void PackRows(const float* x, std::int64_t stride, int tokens, std::int64_t in, float* to) {
  for (int t = 0; t < tokens; t += kRowTile) {
    const int rows = TileRows(tokens, t);
    for (std::int64_t k = 0; k < in; k += VecF32::kLanes) {
      const int rest = static_cast<int>(in - k);
      for (int r = 0; r < rows; ++r) {
        const float* from = x + (t + r) * stride + k;
        const VecF32 v =
            rest >= VecF32::kLanes ? VecF32::Load(from) : VecF32::LoadPartial(from, rest);
        v.Store(to);
        to += VecF32::kLanes;
      }
    }
  }
}

// Converts `cols` rows of one block of `in` to [cols / kColTile][steps][kColTile][lanes]; rows that
// fill up the last tile are zeros.
template <typename Element>
void ConvertBlock(const typename Element::Storage* w, std::int64_t stride, int cols,
                  std::int64_t count, float* to) {
  for (int j = 0; j < cols; j += kColTile) {
    for (std::int64_t k = 0; k < count; k += VecF32::kLanes) {
      const int rest = static_cast<int>(count - k);
      for (int c = 0; c < kColTile; ++c) {
        VecF32 v = VecF32::Zero();
        if (j + c < cols) {
          const auto* from = w + (j + c) * stride + k;
          v = rest >= VecF32::kLanes ? Element::Load(from) : Element::LoadPartial(from, rest);
        }
        v.Store(to);
        to += VecF32::kLanes;
      }
    }
  }
}

// Packed floats of x that one step of one tile of outputs asks for: together they cover the next
// tile of x, which comes from the L3 cache and not in time by itself.
constexpr int PrefetchStride(int rows) { return rows * VecF32::kLanes * kColTile / kColGroup; }

// sums[r][c] += x[r] . w[c] over `steps` vectors. Meanwhile asks for `ahead`.
template <int kRows>
struct GemmTile {
  static void Run(const float* x, const float* ahead, const float* w, int steps, float* sums) {
    constexpr int kLanes = VecF32::kLanes;
    VecF32 sum[kRows][kColTile];
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColTile; ++c) {
        sum[r][c] = VecF32::Load(sums + (r * kColTile + c) * kLanes);
      }
    }
    for (int s = 0; s < steps; ++s) {
      __builtin_prefetch(ahead);
      ahead += PrefetchStride(kRows);
      VecF32 v[kRows];
      for (int r = 0; r < kRows; ++r) v[r] = VecF32::Load(x + r * kLanes);
      for (int c = 0; c < kColTile; ++c) {
        const VecF32 weight = VecF32::Load(w + c * kLanes);
        for (int r = 0; r < kRows; ++r) sum[r][c] = VecF32::MulAdd(v[r], weight, sum[r][c]);
      }
      x += kRows * kLanes;
      w += kColTile * kLanes;
    }
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColTile; ++c) sum[r][c].Store(sums + (r * kColTile + c) * kLanes);
    }
  }
};

// Row tile `first` of packed x from vector `step` of `all_steps` on.
const float* PackedTile(const GemmArgs& a, int first, std::int64_t step, std::int64_t all_steps) {
  return a.packed_x + (first * all_steps + TileRows(a.tokens, first) * step) * VecF32::kLanes;
}

// One group of at most kColGroup outputs for all tokens.
template <typename Element>
void GemmGroup(const GemmArgs& a, int first_output, int cols) {
  constexpr int kLanes = VecF32::kLanes;
  float* const block = a.scratch;
  float* const sums = a.scratch + kColGroup * kBlock;
  const auto* w = static_cast<const typename Element::Storage*>(a.w) + first_output * a.w_stride;
  const std::int64_t all_steps = (a.in + kLanes - 1) / kLanes;

  for (std::int64_t i = 0; i < std::int64_t{a.tokens} * kColGroup * kLanes; i += kLanes) {
    VecF32::Zero().Store(sums + i);
  }
  for (std::int64_t step = 0; step < all_steps; step += kBlockSteps) {
    const int steps =
        static_cast<int>(all_steps - step < kBlockSteps ? all_steps - step : kBlockSteps);
    const std::int64_t begin = step * kLanes;
    const std::int64_t count = a.in - begin < kBlock ? a.in - begin : kBlock;
    ConvertBlock<Element>(w + begin, a.w_stride, cols, count, block);
    for (int t = 0; t < a.tokens; t += kRowTile) {
      const int rows = TileRows(a.tokens, t);
      const float* x = PackedTile(a, t, step, all_steps);
      const float* ahead = t + kRowTile < a.tokens ? PackedTile(a, t + kRowTile, step, all_steps)
                                                   : PackedTile(a, 0, step + steps, all_steps);
      for (int j = 0; j < cols; j += kColTile) {
        CallWithCount<kRowTile, GemmTile>(
            rows, x, ahead + j / kColTile * steps * PrefetchStride(rows),
            block + j * steps * kLanes, steps, sums + (t * kColGroup + j * rows) * kLanes);
      }
    }
  }
  for (int t = 0; t < a.tokens; ++t) {
    const int tile = t - t % kRowTile;
    const int rows = TileRows(a.tokens, tile);
    for (int j = 0; j < cols; ++j) {
      const int col_tile = j - j % kColTile;
      const float* sum =
          sums +
          (tile * kColGroup + col_tile * rows + (t - tile) * kColTile + (j - col_tile)) * kLanes;
      StoreOutput(a, t, first_output + j, VecF32::Load(sum));
    }
  }
}

template <typename Element>
void Gemm(const GemmArgs& a) {
  for (int j = 0; j < a.outputs; j += kColGroup) {
    GemmGroup<Element>(a, j, a.outputs - j < kColGroup ? a.outputs - j : kColGroup);
  }
}

}  // namespace
}  // namespace quire::kernels::cpu::QUIRE_ISA
