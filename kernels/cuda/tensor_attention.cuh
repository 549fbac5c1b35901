#pragma once

#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tensor_attention.h"

// The two kernels of paged attention on tensor cores: blocks that take many rows through all of
// their keys, and warps that take few rows through one split of them each. Both do the same to a
// row, so that it has the same bits from either.

namespace quire::kernels::cuda {

// Tuned numbers, one place for every architecture: none has been measured on a GPU. Shared memory
// in KiB, of a block (tiles) and of a warp (splits), 16-bit and 8-bit caches:
//   head_dim     64    80    96   128   256
//   tiles, 16    38    46    54    70    67
//   tiles, 8     30    34    35    45    51
//   splits, 16   29    36    42    55    58
//   splits, 8    23    24    18    23    43
// ptxas 13.0 spills nothing on sm_80, and on sm_90a one register of bf16 tiles of 128. With 64 keys
// in 8-bit tiles of 96 and 128 it spilled up to 410 bytes on sm_90a.
template <class Shape>
struct AttentionTuning {
  static constexpr int kWarps = 4;  // of a block with a tile of rows
  // 16 rows each: two share what a warp loads of a tile, as long as registers last.
  static constexpr int kRowTiles = Shape::kHeadDim <= 128 ? 2 : 1;
  static constexpr int kWarpRows = 16 * kRowTiles;
  static constexpr int kBlockRows = kWarps * kWarpRows;
  // Tiles of keys or values of a warp with a split, all but one on their way.
  static constexpr int kStages = sizeof(typename Shape::Element) == 2 ? 3 : 4;
};

// Shared memory of kRows rows of q and kTiles tiles.
template <class Shape, int kRows, int kTiles>
struct AttentionShared {
  static constexpr int kQueryBytes = kRows * Shape::kQueryStride * 2;
  static constexpr int kSumBytes = kRows * static_cast<int>(sizeof(SplitSum));
  static constexpr int kFactorBytes = kRows * static_cast<int>(sizeof(float));
  static constexpr int kBytes =
      kQueryBytes + kTiles * (Shape::kTileBytes + Shape::kScaleBytes) + kSumBytes + kFactorBytes;

  __device__ typename Shape::Score* q() const {
    return reinterpret_cast<typename Shape::Score*>(base);
  }
  __device__ unsigned char* tile(int i) const { return base + kQueryBytes + i * Shape::kTileBytes; }
  __device__ float* scales(int i) const {
    return reinterpret_cast<float*>(base + kQueryBytes + kTiles * Shape::kTileBytes +
                                    i * Shape::kScaleBytes);
  }
  // Of the splits so far.
  __device__ SplitSum* sums() const {
    return reinterpret_cast<SplitSum*>(base + kBytes - kFactorBytes - kSumBytes);
  }
  __device__ float* row_factors() const {
    return reinterpret_cast<float*>(base + kBytes - kFactorBytes);
  }

  unsigned char* base;
};

// What makes s of a row the score over ln 2. Read anew for every tile: registers are scarce.
// `row_factors`: in shared memory.
__device__ __forceinline__ float ToLog2(const AttentionParams& params, const float* row_factors,
                                        int row) {
  constexpr float kLog2E = 1.442695041f;
  return params.soft_cap > 0.0f ? kLog2E : params.scale * row_factors[row] * kLog2E;
}

// A tile of keys: products to probabilities; what is left is AddValues. `mask`: some row of the
// warp does not see some key of the tile, which begins at `first`.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void Probabilities(const AttentionParams& params, const RowTile& tile,
                                              int first_row, int first, bool mask,
                                              const float* k_scales, const float* row_factors,
                                              WarpRows<Shape, kRowTiles>& rows,
                                              float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
  const int row = first_row + static_cast<int>(threadIdx.x) % kWarpSize / 4;
  if constexpr (Shape::Format::kHasScales) {
    ScaleColumns<Shape>(k_scales, Shape::Format::kScoreFactor, s);
  }
  if (params.soft_cap > 0.0f) {
    float factors[kRowTiles][2];
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
      factors[r][0] = row_factors[row + 16 * r] * params.scale;
      factors[r][1] = row_factors[row + 16 * r + 8] * params.scale;
    }
    CapScores<Shape>(factors, params.soft_cap, s);
  }
  if (mask) {
    const auto position = [&](int r, int h) {
      return UnpackRow(params, tile, /*kv_head=*/0, row + 16 * r + 8 * h).position;
    };
    Mask<Shape>(position, first, params.sliding_window, s);
  }
  const auto to_log2 = [&](int r, int h) {
    return ToLog2(params, row_factors, row + 16 * r + 8 * h);
  };
  Softmax(to_log2, rows, s);
}

// Adds a finished split to what `out` holds of the rows and starts the next. `sums`: of the tile's
// rows over the splits so far, in shared memory. `is_first`, `is_last`: of the splits of these
// rows.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void FinishSplit(const AttentionParams& params, const RowTile& tile,
                                            int kv_head, int first_row, bool is_first, bool is_last,
                                            const float* row_factors, SplitSum* sums,
                                            WarpRows<Shape, kRowTiles>& rows) {
  const int lane = threadIdx.x % kWarpSize;
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int row = first_row + 16 * r + 8 * h + lane / 4;
      const SplitSum now = CloseSplit(rows.m[r][h], rows.l[r][h], ToLog2(params, row_factors, row));
      const SplitSum before = is_first ? SplitSum{-INFINITY, 0.0f} : sums[row];
      const SplitWeights w = WeighSplits(before.m, now.m);
      const SplitSum sum = {w.m, JoinSplits(w, before.m, before.l, now.m, now.l)};
      __syncwarp();  // all four lanes of a row have read it
      if (lane % 4 == 0) sums[row] = sum;
      if (row >= tile.rows) continue;
      const float inverse = 1.0f / sum.l;
      const PackedRow to = UnpackRow(params, tile, kv_head, row);
      float* const out = params.out + to.token * params.out_stride +
                         static_cast<std::int64_t>(to.head) * Shape::kHeadDim;
#pragma unroll
      for (int i = 0; i < Shape::kHeadDim / 8; ++i) {
#pragma unroll
        for (int j = 2 * h; j < 2 * h + 2; ++j) {
          float* const element = out + ColumnOf<Shape>(i, j);
          float o = JoinSplits(w, before.m, is_first ? 0.0f : *element, now.m, rows.o[r][i][j]);
          if (is_last) o = __fmul_rn(o, inverse);
          *element = o;
        }
      }
    }
  }
  __syncwarp();
  StartSplit(rows);
}

// Block (i, kv_head) takes tile i of the list, each warp kWarpRows rows of it, through all keys
// that they see. K and V have one tile of shared memory each: while one is multiplied, the other is
// on its way.
template <class Shape>
static __global__ void __launch_bounds__(AttentionTuning<Shape>::kWarps* kWarpSize)
    TileAttentionKernel(AttentionParams params, const RowTile* tiles) {
  using Tuning = AttentionTuning<Shape>;
  constexpr int kRowTiles = Tuning::kRowTiles;
  const AttentionShared<Shape, Tuning::kBlockRows, 2> shared = {DynamicSharedMemory()};
  const RowTile tile = tiles[blockIdx.x];
  const int kv_head = static_cast<int>(blockIdx.y);
  const KeyRange range = VisibleKeys(params, tile);
  const std::int32_t* const table =
      params.block_table + static_cast<std::int64_t>(tile.sequence) * params.max_blocks;
  const int first_row = static_cast<int>(threadIdx.x) / kWarpSize * Tuning::kWarpRows;

  const auto begin_keys = [&](int first) {
    BeginTile<Shape, Tuning::kWarps>(params, params.cache.k, params.cache.k_scales, table, kv_head,
                                     first, range, shared.tile(0), shared.scales(0));
    CpAsyncCommit();
  };
  const int begin = range.begin / Shape::kTileKeys * Shape::kTileKeys;
  begin_keys(begin);
  LoadQueries<Shape>(params, tile, kv_head, first_row, Tuning::kWarpRows, shared.q(),
                     shared.row_factors());
  // Where the first and last row of each warp stand: in shared memory, for registers are scarce.
  __shared__ int2 warp_positions[Tuning::kWarps];
  int2* const positions = warp_positions + threadIdx.x / kWarpSize;
  if (threadIdx.x % kWarpSize == 0) {
    *positions = {UnpackRow(params, tile, kv_head, first_row).position,
                  UnpackRow(params, tile, kv_head, first_row + Tuning::kWarpRows - 1).position};
  }
  __syncwarp();
  WarpRows<Shape, kRowTiles> rows;
  StartSplit(rows);
  const int window = params.sliding_window;

  int split_end = SplitEnd(begin);
  const auto finish_split = [&](bool is_last) {
    FinishSplit(params, tile, kv_head, first_row, /*is_first=*/split_end == SplitEnd(begin),
                is_last, shared.row_factors(), shared.sums(), rows);
  };
  for (int first = begin; first < range.end; first += Shape::kTileKeys) {
    if (first == split_end) {
      finish_split(/*is_last=*/false);
      split_end = SplitEnd(first);
    }
    const int last = first + Shape::kTileKeys - 1;
    // What no row of the warp sees would change nothing.
    const auto [warp_first, warp_last] = *positions;
    const bool works = first <= warp_last && (window == 0 || last > warp_first - window);
    const bool mask = last > warp_first || (window > 0 && first <= warp_last - window);
    float s[kRowTiles][Shape::kTileKeys / 8][4];

    CpAsyncWait<0>();
    __syncthreads();  // K has arrived, and everybody is done with V
    BeginTile<Shape, Tuning::kWarps>(params, params.cache.v, params.cache.v_scales, table, kv_head,
                                     first, range, shared.tile(1), shared.scales(1));
    CpAsyncCommit();
    if (works) {
      SetToZero(s);
      AddScores<Shape>(shared.q() + first_row * Shape::kQueryStride, shared.tile(0), s);
      Probabilities(params, tile, first_row, first, mask, shared.scales(0), shared.row_factors(),
                    rows, s);
    }
    CpAsyncWait<0>();
    __syncthreads();  // V has arrived, and everybody is done with K
    if (first + Shape::kTileKeys < range.end) begin_keys(first + Shape::kTileKeys);
    if (works) {
      if constexpr (Shape::Format::kHasScales) ScaleColumns<Shape>(shared.scales(1), 1.0f, s);
      AddValues(shared.tile(1), s, rows);
    }
  }
  finish_split(/*is_last=*/true);
}

// Joins the splits of a tile of rows in order. Called by one warp.
template <class Shape>
__device__ __forceinline__ void JoinPartials(const AttentionParams& params, const SplitTile& split,
                                             int kv_head, const float* partial_o,
                                             const float2* partial_m_and_l) {
  constexpr int kPerLane = (Shape::kHeadDim + kWarpSize - 1) / kWarpSize;
  const int lane = threadIdx.x % kWarpSize;
  for (int row = 0; row < split.tile.rows; ++row) {
    SplitSum sum = {-INFINITY, 0.0f};
    float o[kPerLane] = {};
    for (int i = 0; i < split.num_splits; ++i) {
      const std::int64_t partial_row = static_cast<std::int64_t>(i) * kRowsPerWarp + row;
      const float2 now = __ldcg(partial_m_and_l + partial_row);
      if (now.x == -INFINITY) continue;
      const SplitWeights w = WeighSplits(sum.m, now.x);
#pragma unroll
      for (int j = 0; j < kPerLane; ++j) {
        const int d = lane + j * kWarpSize;
        if (d >= Shape::kHeadDim) continue;
        o[j] = JoinSplits(w, sum.m, o[j], now.x,
                          __ldcg(partial_o + partial_row * Shape::kHeadDim + d));
      }
      sum = {w.m, JoinSplits(w, sum.m, sum.l, now.x, now.y)};
    }
    const float inverse = 1.0f / sum.l;
    const PackedRow to = UnpackRow(params, split.tile, kv_head, row);
    float* const out = params.out + to.token * params.out_stride +
                       static_cast<std::int64_t>(to.head) * Shape::kHeadDim;
#pragma unroll
    for (int j = 0; j < kPerLane; ++j) {
      const int d = lane + j * kWarpSize;
      if (d < Shape::kHeadDim) out[d] = __fmul_rn(o[j], inverse);
    }
  }
}

// Writes the sums of one split, for JoinPartials.
template <class Shape>
__device__ __forceinline__ void WritePartial(const AttentionParams& params, const SplitTile& split,
                                             const float* row_factors, WarpRows<Shape, 1>& rows,
                                             float* partial_o, float2* partial_m_and_l) {
  const int g = threadIdx.x % kWarpSize / 4;
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = 8 * h + g;
    const SplitSum sum = CloseSplit(rows.m[0][h], rows.l[0][h], ToLog2(params, row_factors, row));
    if (row >= split.tile.rows) continue;
    const std::int64_t partial_row = static_cast<std::int64_t>(split.split) * kRowsPerWarp + row;
    if (t == 0) partial_m_and_l[partial_row] = make_float2(sum.m, sum.l);
    if (sum.m == -INFINITY) continue;
    float* const o = partial_o + partial_row * Shape::kHeadDim;
#pragma unroll
    for (int i = 0; i < Shape::kHeadDim / 8; ++i) {
#pragma unroll
      for (int j = 2 * h; j < 2 * h + 2; ++j) o[ColumnOf<Shape>(i, j)] = rows.o[0][i][j];
    }
  }
}

// Warp (i, kv_head), a block of its own, takes at most 16 rows through one split, or none: lists
// are filled up. The last one of a tile of rows joins the splits.
template <class Shape>
static __global__ void __launch_bounds__(kWarpSize, 1)
    SplitAttentionKernel(AttentionParams params, DeviceWork work) {
  constexpr int kStages = AttentionTuning<Shape>::kStages;
  const AttentionShared<Shape, kRowsPerWarp, kStages> shared = {DynamicSharedMemory()};
  const SplitTile split = work.splits[blockIdx.x];
  if (split.tile.rows == 0) return;
  const int kv_head = static_cast<int>(blockIdx.y);
  KeyRange range = VisibleKeys(params, split.tile);
  range = {max(range.begin, split.key_begin), min(range.end, split.key_end)};
  const std::int32_t* const table =
      params.block_table + static_cast<std::int64_t>(split.tile.sequence) * params.max_blocks;
  const int begin = range.begin / Shape::kTileKeys * Shape::kTileKeys;
  const int num_tiles = max(0, (range.end - begin + Shape::kTileKeys - 1) / Shape::kTileKeys);

  // Loads go K, V, K, V, each into the next of kStages places.
  const auto begin_load = [&](int i) {
    if (i < 2 * num_tiles) {
      const bool is_key = i % 2 == 0;
      BeginTile<Shape, 1>(params, is_key ? params.cache.k : params.cache.v,
                          is_key ? params.cache.k_scales : params.cache.v_scales, table, kv_head,
                          begin + i / 2 * Shape::kTileKeys, range, shared.tile(i % kStages),
                          shared.scales(i % kStages));
    }
    CpAsyncCommit();  // an empty group at the end, so that counts stay the same
  };
  for (int i = 0; i < kStages - 1; ++i) begin_load(i);
  LoadQueries<Shape>(params, split.tile, kv_head, 0, kRowsPerWarp, shared.q(),
                     shared.row_factors());
  __syncwarp();
  WarpRows<Shape, 1> rows;
  StartSplit(rows);

  const int rows_first = UnpackRow(params, split.tile, kv_head, 0).position;
  const int rows_last = UnpackRow(params, split.tile, kv_head, kRowsPerWarp - 1).position;
  for (int i = 0; i < num_tiles; ++i) {
    const int first = begin + i * Shape::kTileKeys;
    const bool mask = first + Shape::kTileKeys - 1 > rows_first ||
                      (params.sliding_window > 0 && first <= rows_last - params.sliding_window);
    float s[1][Shape::kTileKeys / 8][4];
    begin_load(2 * i + kStages - 1);
    CpAsyncWait<kStages - 1>();
    __syncwarp();  // K has arrived
    SetToZero(s);
    AddScores<Shape>(shared.q(), shared.tile(2 * i % kStages), s);
    Probabilities(params, split.tile, 0, first, mask, shared.scales(2 * i % kStages),
                  shared.row_factors(), rows, s);
    __syncwarp();  // all lanes are done with it
    begin_load(2 * i + kStages);
    CpAsyncWait<kStages - 1>();
    __syncwarp();  // V has arrived
    const int place = (2 * i + 1) % kStages;
    if constexpr (Shape::Format::kHasScales) ScaleColumns<Shape>(shared.scales(place), 1.0f, s);
    AddValues(shared.tile(place), s, rows);
    __syncwarp();  // all lanes are done with it
  }

  if (split.num_splits == 1) {
    FinishSplit(params, split.tile, kv_head, 0, /*is_first=*/true, /*is_last=*/true,
                shared.row_factors(), shared.sums(), rows);
    return;
  }
  const std::int64_t first_row =
      (static_cast<std::int64_t>(kv_head) * work.num_partials + split.first_partial) * kRowsPerWarp;
  float* const partial_o = work.partial_o + first_row * Shape::kHeadDim;
  float2* const partial_m_and_l = work.partial_m_and_l + first_row;
  WritePartial(params, split, shared.row_factors(), rows, partial_o, partial_m_and_l);
  __threadfence();
  __syncwarp();
  unsigned done = 0;
  if (threadIdx.x == 0) {
    const auto last = static_cast<unsigned>(split.num_splits - 1);
    // Goes back to 0 after the last one.
    done = atomicInc(work.counters + kv_head * work.num_counters + split.counter, last) == last;
  }
  if (__shfl_sync(kWholeWarp, done, 0) == 0) return;
  __threadfence();
  JoinPartials<Shape>(params, split, kv_head, partial_o, partial_m_and_l);
}

template <class Shape>
void LaunchTensorAttention(const AttentionParams& params, const DeviceWork& work,
                           CudaStream& stream) {
  using Tuning = AttentionTuning<Shape>;
  const auto kv_heads = static_cast<unsigned>(params.cache.num_kv_heads);
  if (work.num_tiles > 0) {
    using Shared = AttentionShared<Shape, Tuning::kBlockRows, 2>;
    Launch(TileAttentionKernel<Shape>,
           {dim3(static_cast<unsigned>(work.num_tiles), kv_heads), Tuning::kWarps * kWarpSize,
            Shared::kBytes},
           stream, params, work.tiles);
  }
  if (work.num_splits > 0) {
    using Shared = AttentionShared<Shape, kRowsPerWarp, Tuning::kStages>;
    Launch(SplitAttentionKernel<Shape>,
           {dim3(static_cast<unsigned>(work.num_splits), kv_heads), kWarpSize, Shared::kBytes},
           stream, params, work);
  }
}

// Calls the instance for the size of the heads; HasTensorAttention has said that there is one.
template <typename Element>
void AttendWithTensorCores(const AttentionParams& params, const DeviceWork& work,
                           CudaStream& stream) {
  switch (params.cache.head_dim) {
    case 64:
      return LaunchTensorAttention<TileShape<Element, 64>>(params, work, stream);
    case 80:
      return LaunchTensorAttention<TileShape<Element, 80>>(params, work, stream);
    case 96:
      return LaunchTensorAttention<TileShape<Element, 96>>(params, work, stream);
    case 128:
      return LaunchTensorAttention<TileShape<Element, 128>>(params, work, stream);
    case 256:
      return LaunchTensorAttention<TileShape<Element, 256>>(params, work, stream);
    default:
      return stream.Record(cudaErrorInvalidValue);
  }
}

}  // namespace quire::kernels::cuda
