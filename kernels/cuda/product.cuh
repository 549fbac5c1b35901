#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/group_terms.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/product.h"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/unit_codes.cuh"

// Products of prepared rows with a weight, y = x W^T: one body for every format and any number of
// rows. Outputs are the left operand of the mma, so that 8 rows fill it.
//
// The bits of a result depend on the weight and its row alone: slice by slice in the order of the
// inputs, codes times x over a granule, then times the scale; parts of the inputs one after the
// other. Neither the shape of a block nor who adds the parts up changes that order.

namespace quire::kernels::cuda {

inline constexpr int kProductWarps = kProductThreads / kLanes;
// Units whose bytes are under way or in use at a time: as many as fit, so that every device
// from 8.0 on has room for a block (8.6 gives one 99 KiB).
inline constexpr int kMostStages = 4;
inline constexpr int kLeastStages = 2;
inline constexpr int kSharedBytes = 96 << 10;

// Shape of a block: every warp has kM tiles of outputs and all kN blocks of rows.
template <class CodesOfWeight, int kXTerms, int kM, int kN>
struct ProductTraits {
  using Codes = CodesOfWeight;
  static constexpr bool kHasGranules = Codes::kHasGranules;
  static constexpr int kTiles = kProductWarps * kM;
  static constexpr int kUnitCodeBytes = Codes::kUnitBytes;
  static constexpr int kCodeBytes = kTiles * kUnitCodeBytes;
  static constexpr int kRowBytes = kN * RowBlockBytes(kXTerms);
  static constexpr int kValues = kM * kN * 4;  // sums of a thread
  static constexpr int kValueBytes = kValues * kProductThreads * static_cast<int>(sizeof(float));
};

// Granules of a unit, and whether slice j is the first or the last of one.
struct UnitGranules {
  int mask;  // slices of a granule inside a unit, minus one

  __device__ explicit UnitGranules(int granule_shift)
      : mask(granule_shift >= 6 ? 3 : (1 << (granule_shift - 4)) - 1) {}
  __device__ bool Starts(int slice) const { return (slice & mask) == 0; }
  __device__ bool Ends(int slice) const { return (slice & mask) == mask; }
};

// The bytes of one unit of a block in shared memory.
struct StagePlaces {
  int terms;  // of a tile
  int steps;  // of a tile
  int terms_at;
  int steps_at;
  int rows_at;
  int bytes;

  template <class Traits>
  __host__ __device__ static StagePlaces Of(const WeightView& w) {
    const int granules = w.granule_shift >= 6 ? 1 : kUnitInputs >> w.granule_shift;
    StagePlaces p{};
    p.terms = Traits::kHasGranules ? granules * kTileOutputs * TermBytes(w.term_kind) : 0;
    p.steps = Traits::kHasGranules ? kTileOutputs * StepBytes(w.term_kind) : 0;
    p.terms_at = Traits::kCodeBytes;
    p.steps_at = p.terms_at + Traits::kTiles * p.terms;
    p.rows_at = p.steps_at + Traits::kTiles * p.steps;
    p.bytes = p.rows_at + Traits::kRowBytes;
    return p;
  }
};

// Starts copying unit `unit` of the block's tiles and rows into a stage.
template <class Traits>
__device__ void LoadStage(const ProductArgs& args, const StagePlaces& places, int unit,
                          int row_block_bytes, int row_blocks, int rows_in_block,
                          std::uint8_t* stage) {
  const WeightView& w = args.weight;
  const int first_tile = blockIdx.x * Traits::kTiles;
  const int first_row_block = blockIdx.y * rows_in_block;
  Traits::Codes::LoadUnits(w, first_tile, Traits::kTiles, unit, stage);
  if (places.terms > 0) {
    const std::int64_t granule = (static_cast<std::int64_t>(unit) * kUnitInputs) >> w.granule_shift;
    const int term_bytes = kTileOutputs * TermBytes(w.term_kind);
    CopyPieces(
        stage + places.terms_at, Traits::kTiles, places.terms, [&](int i) -> const std::uint8_t* {
          const int tile = first_tile + i;
          if (tile >= w.tiles) return nullptr;
          return w.terms + (static_cast<std::int64_t>(tile) * w.granules + granule) * term_bytes;
        });
  }
  if (places.steps > 0) {
    CopyPieces(stage + places.steps_at, Traits::kTiles, places.steps,
               [&](int i) -> const std::uint8_t* {
                 const int tile = first_tile + i;
                 if (tile >= w.tiles) return nullptr;
                 const std::int64_t step =
                     static_cast<std::int64_t>(tile) * (w.units / kStepUnits) + unit / kStepUnits;
                 return w.steps + step * places.steps;
               });
  }
  CopyPieces(stage + places.rows_at, rows_in_block, row_block_bytes,
             [&](int i) -> const std::uint8_t* {
               const int block = first_row_block + i;
               if (block >= row_blocks) return nullptr;
               return args.x.blocks +
                      (static_cast<std::int64_t>(block) * w.units + unit) * row_block_bytes;
             });
}

// The sums of one warp.
template <int kM, int kN>
struct WarpSums {
  float value[kM][kN][4];

  __device__ void Clear() {
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int n = 0; n < kN; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) value[m][n][i] = 0.0f;
      }
    }
  }
  // Calls use(sum, index) for each.
  template <typename Use>
  __device__ void ForEach(const Use& use) {
#pragma unroll
    for (int m = 0; m < kM; ++m) {
#pragma unroll
      for (int n = 0; n < kN; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) use(value[m][n][i], (m * kN + n) * 4 + i);
      }
    }
  }
};

// Adds one unit to `total`. `stage`: its bytes; `table`: of Codes.
template <class Codes, int kXTerms, int kM, int kN>
__device__ void AddUnit(const WeightView& w, const StagePlaces& places, const std::uint8_t* stage,
                        const std::uint8_t* table, float scale_factor, WarpSums<kM, kN>& total) {
  using Traits = ProductTraits<Codes, kXTerms, kM, kN>;
  constexpr int kRowBlockBytes = RowBlockBytes(kXTerms);
  const int lane = threadIdx.x % kLanes;
  const int first_tile = threadIdx.x / kLanes * kM;
  const UnitGranules granules(w.granule_shift);
  const bool has_offset = w.shift_use == ShiftUse::kOffset;
  const std::uint8_t* const rows = stage + places.rows_at;
  const auto multiply = [](float(&sum)[4], const std::uint32_t(&a)[4], const std::uint32_t(&b)[2]) {
    MmaM16N8K16<typename Codes::Element>(sum, a, b[0], b[1]);
  };

  WarpSums<kM, kN> of_granule;
  of_granule.Clear();
  WarpSums<kM, kN>& sums = Codes::kHasGranules ? of_granule : total;
  GroupTerms terms[kM][2];
  std::uint32_t zeros[kM][2] = {};
  float row_sums[kN][2];  // of x over the granule, for offsets
  // The larger shape has work enough inside a slice; unrolled it takes ptxas four times as long.
#pragma unroll(kM == 4 ? 1 : kUnitSlices)
  for (int slice = 0; slice < kUnitSlices; ++slice) {
    if (Codes::kHasGranules && granules.Starts(slice)) {
      const int granule = slice / (granules.mask + 1);
#pragma unroll
      for (int m = 0; m < kM; ++m) {
        const int tile = first_tile + m;
        const std::uint8_t* tile_terms = stage + places.terms_at + tile * places.terms +
                                         granule * kTileOutputs * TermBytes(w.term_kind);
        const std::uint8_t* tile_steps = stage + places.steps_at + tile * places.steps;
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          terms[m][h] = LoadTerms(w, tile_terms, tile_steps, lane / 4 + h * 8);
          terms[m][h].scale *= scale_factor;
          zeros[m][h] = has_offset ? kHalves1024 : HalvesOfZero(terms[m][h].shift);
        }
      }
#pragma unroll
      for (int n = 0; n < kN; ++n) row_sums[n][0] = row_sums[n][1] = 0.0f;
    }
    std::uint32_t b[kXTerms][kN][2];
#pragma unroll
    for (int n = 0; n < kN; ++n) {
      const std::uint8_t* block = rows + n * kRowBlockBytes;
#pragma unroll
      for (int term = 0; term < kXTerms; ++term) {
        const uint2 words =
            reinterpret_cast<const uint2*>(block)[(term * kUnitSlices + slice) * kLanes + lane];
        b[term][n][0] = words.x;
        b[term][n][1] = words.y;
      }
      if (Codes::kHasGranules && has_offset) {
        const float2 both = reinterpret_cast<const float2*>(
            block + kXTerms * RowTermBytes())[slice * (kBlockRows / 2) + lane % 4];
        row_sums[n][0] += both.x;
        row_sums[n][1] += both.y;
      }
    }
#pragma unroll
    for (int m = 0; m < kM; ++m) {
      std::uint32_t a[Codes::kTerms][4];
      Codes::Fragment(stage + (first_tile + m) * Traits::kUnitCodeBytes, slice, lane, zeros[m],
                      table, a);
#pragma unroll
      for (int n = 0; n < kN; ++n) {
        // The smallest products first.
        float(&sum)[4] = sums.value[m][n];
        if constexpr (Codes::kTerms == 2) multiply(sum, a[1], b[0][n]);
#pragma unroll
        for (int term = kXTerms - 1; term >= 0; --term) multiply(sum, a[0], b[term][n]);
      }
    }
    if (Codes::kHasGranules && granules.Ends(slice)) {
#pragma unroll
      for (int m = 0; m < kM; ++m) {
#pragma unroll
        for (int n = 0; n < kN; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            float& to = total.value[m][n][i];
            to = fmaf(sums.value[m][n][i], terms[m][i / 2].scale, to);
            if (has_offset) to = fmaf(row_sums[n][i % 2], terms[m][i / 2].shift, to);
          }
        }
      }
      sums.Clear();
    }
  }
}

// Waits until at most `pending` groups are under way, at most kMostStages - 2.
__device__ inline void WaitForAllBut(int pending) {
  static_assert(kMostStages == 4);
  if (pending == 0) {
    CpAsyncWait<0>();
  } else if (pending == 1) {
    CpAsyncWait<1>();
  } else {
    CpAsyncWait<2>();
  }
}

// Which output and row of its block a sum of a thread belongs to.
template <int kN>
struct SumPlace {
  int output;
  int row;

  __device__ SumPlace(int index, int warp_outputs) {
    const int lane = threadIdx.x % kLanes;
    const int m = index / (4 * kN);
    const int n = index / 4 % kN;
    const int i = index % 4;
    output = static_cast<int>(threadIdx.x) / kLanes * warp_outputs + m * kTileOutputs + lane / 4 +
             i / 2 * 8;
    row = n * kBlockRows + lane % 4 * 2 + i % 2;
  }
};

// The start of dynamic shared memory, before the table of the codes.
inline constexpr int kFlagBytes = 16;

// Block (x, y, z) owns kProductWarps * kM tiles of outputs, kN blocks of rows, and part z of the
// inputs or, with one z, all parts. Dynamic shared memory: a flag, the table, the stages, then,
// where one block takes several parts, the sums of the parts before. In the end the sums lie in the
// stages' place, [values, threads]: each thread reads its own, in loops that need not be unrolled.
template <class Codes, int kXTerms, int kM, int kN>
__global__ void __launch_bounds__(kProductThreads, kM == 4 ? 2 : 4)
    ProductKernel(const ProductArgs args, int num_stages) {
  using Traits = ProductTraits<Codes, kXTerms, kM, kN>;
  const WeightView& w = args.weight;
  const StagePlaces places = StagePlaces::Of<Traits>(w);
  auto* const is_last = reinterpret_cast<bool*>(DynamicSharedMemory());
  std::uint8_t* const table = DynamicSharedMemory() + kFlagBytes;
  std::uint8_t* const stages = table + Codes::kTableBytes;
  auto* const earlier =
      reinterpret_cast<float*>(stages + max(num_stages * places.bytes, Traits::kValueBytes));
  const int row_blocks = static_cast<int>((args.x.rows + kBlockRows - 1) / kBlockRows);
  constexpr int kRowBlockBytes = RowBlockBytes(kXTerms);
  const bool shares_parts = gridDim.z > 1;
  const int first = shares_parts ? blockIdx.z * w.part_units : 0;
  const int last = shares_parts ? min(w.units, first + w.part_units) : w.units;

  int loaded = first;  // units
  int free_stage = 0;
  const auto load = [&] {
    if (loaded < last) {
      LoadStage<Traits>(args, places, loaded, kRowBlockBytes, row_blocks, kN,
                        stages + free_stage * places.bytes);
    }
    CpAsyncCommit();  // also of nothing: the groups are counted
    ++loaded;
    free_stage = free_stage + 1 == num_stages ? 0 : free_stage + 1;
  };
  for (int i = 0; i < num_stages - 1; ++i) load();
  Codes::FillTable(w, table);
  const float scale_factor = w.has_table ? 1.0f / w.table_factor : 1.0f;

  WarpSums<kM, kN> total;
  total.Clear();
  int part_end = first + w.part_units;
  bool is_first_part = true;
  int stage = 0;
  for (int unit = first; unit < last; ++unit) {
    WaitForAllBut(num_stages - 2);
    __syncthreads();  // the unit is there for every thread, and the stage before it is free
    load();
    AddUnit<Codes, kXTerms, kM, kN>(w, places, stages + stage * places.bytes, table, scale_factor,
                                    total);
    stage = stage + 1 == num_stages ? 0 : stage + 1;
    if (unit + 1 == part_end && unit + 1 < last) {
      total.ForEach([&](float& sum, int index) {
        float& to = earlier[index * kProductThreads + threadIdx.x];
        to = is_first_part ? sum : to + sum;
        sum = 0.0f;
      });
      is_first_part = false;
      part_end += w.part_units;
    }
  }
  __syncthreads();  // no thread needs a stage any more
  auto* const own = reinterpret_cast<float*>(stages) + threadIdx.x;
  total.ForEach([&](float& sum, int index) {
    const int place = index * kProductThreads;
    own[place] = is_first_part ? sum : earlier[place + threadIdx.x] + sum;
  });

  const int first_output = blockIdx.x * Traits::kTiles * kTileOutputs;
  const int first_row = blockIdx.y * kN * kBlockRows;
  const auto is_inside = [&](const SumPlace<kN>& place) {
    return first_row + place.row < args.x.rows && first_output + place.output < w.out;
  };
  if (shares_parts) {
    // [parts, blocks, values of a thread, threads]
    const std::int64_t block = static_cast<std::int64_t>(blockIdx.y) * gridDim.x + blockIdx.x;
    const std::int64_t part_stride =
        static_cast<std::int64_t>(gridDim.x) * gridDim.y * Traits::kValues * kProductThreads;
    float* const partial =
        args.partial_sums + block * Traits::kValues * kProductThreads + threadIdx.x;
#pragma unroll 2
    for (int index = 0; index < Traits::kValues; ++index) {
      if (is_inside(SumPlace<kN>(index, kM * kTileOutputs))) {
        partial[blockIdx.z * part_stride + index * kProductThreads] = own[index * kProductThreads];
      }
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
      *is_last = atomicAdd(args.arrivals + block, 1u) == gridDim.z - 1;
      if (*is_last) args.arrivals[block] = 0;
    }
    __syncthreads();
    if (!*is_last) return;
    __threadfence();
#pragma unroll 2
    for (int index = 0; index < Traits::kValues; ++index) {
      if (!is_inside(SumPlace<kN>(index, kM * kTileOutputs))) continue;
      const float* from = partial + index * kProductThreads;
      float sum = __ldcg(from);
      for (int part = 1; part < static_cast<int>(gridDim.z); ++part) {
        sum += __ldcg(from + part * part_stride);
      }
      own[index * kProductThreads] = sum;
    }
  }
#pragma unroll 2
  for (int index = 0; index < Traits::kValues; ++index) {
    const SumPlace<kN> place(index, kM * kTileOutputs);
    if (!is_inside(place)) continue;
    const int row = first_row + place.row;
    const int column = first_output + place.output;
    float value = own[index * kProductThreads] * args.x.factors[row];  // exact: a power of two
    if (args.bias != nullptr) value += args.bias[column];
    float* to = args.y + row * args.y_stride + column;
    *to = args.accumulate ? *to + value : value;
  }
}

template <class Codes, int kXTerms, int kM, int kN>
void LaunchTile(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  using Traits = ProductTraits<Codes, kXTerms, kM, kN>;
  const bool adds_parts = grid.part_blocks == 1 && args.weight.parts > 1;
  const int other_bytes = kFlagBytes + Codes::kTableBytes + (adds_parts ? Traits::kValueBytes : 0);
  const int stage_bytes = StagePlaces::Of<Traits>(args.weight).bytes;
  const int num_stages =
      std::clamp((kSharedBytes - other_bytes) / stage_bytes, kLeastStages, kMostStages);
  const int bytes = other_bytes + std::max(num_stages * stage_bytes, Traits::kValueBytes);
  Launch(ProductKernel<Codes, kXTerms, kM, kN>,
         {.grid =
              dim3(static_cast<unsigned>(grid.output_blocks),
                   static_cast<unsigned>(grid.row_blocks), static_cast<unsigned>(grid.part_blocks)),
          .threads = kProductThreads,
          .shared_bytes = static_cast<std::size_t>(bytes)},
         stream, args, num_stages);
}

template <class Codes, int kXTerms>
void LaunchProduct(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  switch (grid.shape) {
    case ProductShape::kRows8:
      return LaunchTile<Codes, kXTerms, 2, 1>(args, grid, stream);
    case ProductShape::kRows16:
      return LaunchTile<Codes, kXTerms, 2, 2>(args, grid, stream);
    case ProductShape::kRows32:
      // Units of plain weights are too large for as many tiles.
      if constexpr (Codes::kHasGranules) {
        return LaunchTile<Codes, kXTerms, 4, 4>(args, grid, stream);
      }
      break;
    case ProductShape::kRows32Narrow:
      if constexpr (!Codes::kHasGranules) {
        return LaunchTile<Codes, kXTerms, 2, 4>(args, grid, stream);
      }
      break;
  }
}

template <int kBits>
void LaunchInteger(const ProductArgs& args, const ProductGrid& grid, CudaStream& stream) {
  if (args.x.terms == 2) {
    LaunchProduct<IntegerCodes<kBits>, 2>(args, grid, stream);
  } else {
    LaunchProduct<IntegerCodes<kBits>, 1>(args, grid, stream);
  }
}

}  // namespace quire::kernels::cuda
