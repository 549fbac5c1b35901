#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/kv_format.cuh"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/tensor_attention.h"

// Attention of packed rows by one warp over tiles of keys in shared memory, on tensor cores.
// Source: Dao 2023, "FlashAttention-2", algorithm 1; m, l, s, p and o as there, fragments of PTX's
// mma.m16n8k16. g = lane / 4 is a thread's first row of 16, the other is g + 8; t = lane % 4.
//
// What a row gets depends on its own keys alone, not on the rows beside it: tiles start at
// multiples of kTileKeys, keys that it does not see have p = 0 exactly, and a factor that is 1
// changes nothing.

namespace quire::kernels::cuda {

inline constexpr unsigned kWholeWarp = 0xffffffffu;

// Keys of a tile: as many as leave registers for o. Converting 8-bit elements takes some, too.
template <typename Element>
constexpr int TileKeysFor(int head_dim) {
  return head_dim <= (sizeof(Element) == 1 ? 80 : 128) ? 64 : 32;
}

// Sizes of tiles.
template <typename Element_, int kHeadDim_, int kTileKeys_ = TileKeysFor<Element_>(kHeadDim_)>
struct TileShape {
  using Element = Element_;
  using Format = KvFormat<Element>;
  using Score = typename Format::Score;
  using Value = typename Format::Value;
  static constexpr int kHeadDim = kHeadDim_;
  static constexpr int kTileKeys = kTileKeys_;
  static constexpr int kRowBytes = kHeadDim * static_cast<int>(sizeof(Element));
  static constexpr int kChunks = kRowBytes / 16;
  // An odd number of 16-byte chunks between rows, so that the 8 rows of a matrix lie in different
  // banks.
  static constexpr int kStrideBytes = 16 * (kChunks | 1);
  static constexpr int kTileBytes = kTileKeys * kStrideBytes;
  static constexpr int kScaleBytes =
      Format::kHasScales ? kTileKeys * static_cast<int>(sizeof(float)) : 0;
  static constexpr int kQueryStride = kHeadDim + 8;  // elements; odd chunks as well
  static_assert(kRowBytes % 16 == 0 && kHeadDim % 16 == 0);
  static_assert(kFirstSplit % kTileKeys == 0);
};

// Where a packed row belongs.
struct PackedRow {
  std::int64_t token;  // in the batch
  int head;
  int position;
};
__device__ __forceinline__ PackedRow UnpackRow(const AttentionParams& params, const RowTile& tile,
                                               int kv_head, int row) {
  const int packed = tile.first_row + min(row, tile.rows - 1);
  const int token = packed / params.group;
  return {tile.query_begin + token, kv_head * params.group + packed % params.group,
          tile.first_position + token};
}

// The keys that some row of a tile sees.
struct KeyRange {
  int begin;
  int end;
};
__device__ __forceinline__ KeyRange VisibleKeys(const AttentionParams& params,
                                                const RowTile& tile) {
  const int first = tile.first_position + tile.first_row / params.group;
  const int last = tile.first_position + (tile.first_row + tile.rows - 1) / params.group;
  return {params.sliding_window > 0 ? max(0, first - params.sliding_window + 1) : 0, last + 1};
}

// --- loads ---------------------------------------------------------------------------------------

// Row (block, head, offset) of the cache that holds the key at `position`.
__device__ __forceinline__ std::int64_t CacheRowOf(const AttentionParams& params,
                                                   const std::int32_t* table, int kv_head,
                                                   int position) {
  const int block_size = params.cache.block_size;
  return (static_cast<std::int64_t>(table[position / block_size]) * params.cache.num_kv_heads +
          kv_head) *
             block_size +
         position % block_size;
}

// Begins to copy the keys or values of positions [first, first + kTileKeys) into `tile` and their
// scales into `scales`; what is outside `range` becomes zero and is not read. Every warp of kWarps
// takes its share of the rows.
template <class Shape, int kWarps>
__device__ __forceinline__ void BeginTile(const AttentionParams& params, const void* elements,
                                          const float* row_scales, const std::int32_t* table,
                                          int kv_head, int first, const KeyRange& range,
                                          unsigned char* tile, float* scales) {
  constexpr int kKeys =
      Shape::kTileKeys / kWarps < kWarpSize ? Shape::kTileKeys / kWarps : kWarpSize;  // at a time
  const int lane = threadIdx.x % kWarpSize;
  const int warp = threadIdx.x / kWarpSize;
  const auto* from = static_cast<const unsigned char*>(elements);
#pragma unroll
  for (int begin = 0; begin < Shape::kTileKeys / kWarps; begin += kKeys) {
    const int warp_first = warp * (Shape::kTileKeys / kWarps) + begin;
    // Each lane looks one row up; the others ask it.
    const int key = first + warp_first + lane % kKeys;
    const bool visible = key >= range.begin && key < range.end;
    const int row = visible ? static_cast<int>(CacheRowOf(params, table, kv_head, key)) : -1;
#pragma unroll
    for (int i = 0; i < (kKeys * Shape::kChunks + kWarpSize - 1) / kWarpSize; ++i) {
      const int index = i * kWarpSize + lane;
      const int local = index / Shape::kChunks;
      const int chunk = index % Shape::kChunks;
      const int source = __shfl_sync(kWholeWarp, row, local % kKeys);
      if (local < kKeys) {
        const std::int64_t offset = static_cast<std::int64_t>(max(source, 0)) * Shape::kRowBytes;
        CpAsync16(tile + (warp_first + local) * Shape::kStrideBytes + 16 * chunk,
                  from + offset + 16 * chunk, source >= 0 ? 16 : 0);
      }
    }
    if constexpr (Shape::Format::kHasScales) {
      if (lane < kKeys)
        CpAsync4(scales + warp_first + lane, row_scales + max(row, 0), visible ? 4 : 0);
    }
  }
}

// 2^-e and 2^e.
struct PowerOfTwo {
  float down;
  float up;
};
// What brings numbers up to `largest` to at most about 2^8, where f16 has room above and precision
// below. Any finite `largest`.
__device__ __forceinline__ PowerOfTwo FactorForHalf(float largest) {
  const int exponent = (__float_as_int(largest) >> 23) - 127 - 8;
  const int bounded = min(max(exponent, -126), 126);
  return {__int_as_float((127 - bounded) << 23), __int_as_float((127 + bounded) << 23)};
}

// Writes rows [begin, begin + count) of q, rounded, to `to` [rows, kQueryStride], and to
// `row_factors` what the rounded row must be multiplied by: f16 gets rows with a largest element of
// about 2^8, whatever they have. Called by one warp. Rows of 8-bit keys arrive with each four
// elements in one register, which is columns 2t, 2t + 1, 2t + 8 and 2t + 9 of a fragment: q has its
// columns in that order.
template <class Shape>
__device__ __forceinline__ void LoadQueries(const AttentionParams& params, const RowTile& tile,
                                            int kv_head, int begin, int count,
                                            typename Shape::Score* to, float* row_factors) {
  constexpr bool kIsHalf = std::is_same_v<typename Shape::Score, __half>;
  constexpr int kPerLane = (Shape::kHeadDim + kWarpSize - 1) / kWarpSize;
  const int lane = threadIdx.x % kWarpSize;
  for (int r = begin; r < begin + count; ++r) {
    const PackedRow row = UnpackRow(params, tile, kv_head, r);
    const float* from = params.q + row.token * params.q_stride +
                        static_cast<std::int64_t>(row.head) * Shape::kHeadDim;
    float values[kPerLane];
    float largest = 0.0f;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      const int d = lane + i * kWarpSize;
      values[i] = d < Shape::kHeadDim ? from[d] : 0.0f;
      largest = fmaxf(largest, fabsf(values[i]));
    }
    PowerOfTwo factor = {1.0f, 1.0f};
    if constexpr (kIsHalf) factor = FactorForHalf(WarpMax(largest));
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      const int d = lane + i * kWarpSize;
      int column = d;
      if constexpr (sizeof(typename Shape::Element) == 1) {
        column = d / 16 * 16 + d % 16 / 4 * 2 + d % 2 + d % 4 / 2 * 8;
      }
      if (d < Shape::kHeadDim) {
        to[r * Shape::kQueryStride + column] =
            FromFloat<typename Shape::Score>(values[i] * factor.down);
      }
    }
    if (lane == 0) row_factors[r] = factor.up;
  }
}

// --- one warp's rows -----------------------------------------------------------------------------

// kRowTiles times 16 rows of one warp.
template <class Shape, int kRowTiles>
struct WarpRows {
  float o[kRowTiles][Shape::kHeadDim / 8][4];
  float m[kRowTiles][2];  // of s as the products give it; -infinity before the first key
  float l[kRowTiles][2];  // over this thread's columns
};

template <int kRowTiles, int kColumns>
__device__ __forceinline__ void SetToZero(float (&s)[kRowTiles][kColumns][4]) {
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) s[r][n][j] = 0.0f;
    }
  }
}

template <class Shape, int kRowTiles>
__device__ __forceinline__ void StartSplit(WarpRows<Shape, kRowTiles>& rows) {
  SetToZero(rows.o);
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      rows.m[r][h] = -INFINITY;
      rows.l[r][h] = 0.0f;
    }
  }
}

// s += q k^T. `q`: the warp's rows; `k`: a tile.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void AddScores(const typename Shape::Score* q, const unsigned char* k,
                                          float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
  const int lane = threadIdx.x % kWarpSize;
  // Lane l points at row l % 8 of matrix l / 8.
  const typename Shape::Score* q_row =
      q + (lane % 8 + lane / 8 % 2 * 8) * Shape::kQueryStride + lane / 16 * 8;
#pragma unroll
  for (int d = 0; d < Shape::kHeadDim; d += 16) {
    unsigned a[kRowTiles][4];
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) LdMatrix4(a[r], q_row + 16 * r * Shape::kQueryStride + d);
    if constexpr (sizeof(typename Shape::Element) == 2) {
      // Matrices: keys 0-7 and d 0-7, the same and d 8-15, keys 8-15 likewise.
      const unsigned char* row =
          k + (lane % 8 + lane / 16 * 8) * Shape::kStrideBytes + (d + lane / 8 % 2 * 8) * 2;
#pragma unroll
      for (int n = 0; n < Shape::kTileKeys / 8; n += 2) {
        unsigned b[4];
        LdMatrix4(b, row + 8 * n * Shape::kStrideBytes);
#pragma unroll
        for (int r = 0; r < kRowTiles; ++r) {
          MmaM16N8K16<typename Shape::Score>(s[r][n], a[r], b[0], b[1]);
          MmaM16N8K16<typename Shape::Score>(s[r][n + 1], a[r], b[2], b[3]);
        }
      }
    } else {
      // A matrix row is 16 bytes, all of d to d + 15: four matrices are 32 keys.
      const unsigned char* row = k + lane * Shape::kStrideBytes + d;
#pragma unroll
      for (int n = 0; n < Shape::kTileKeys / 8; n += 4) {
        unsigned bytes[4];
        LdMatrix4(bytes, row + 8 * n * Shape::kStrideBytes);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const unsigned b0 = Shape::Format::template Score2<0x5150>(bytes[i]);
          const unsigned b1 = Shape::Format::template Score2<0x5352>(bytes[i]);
#pragma unroll
          for (int r = 0; r < kRowTiles; ++r) {
            MmaM16N8K16<typename Shape::Score>(s[r][n + i], a[r], b0, b1);
          }
        }
      }
    }
  }
}

// Multiplies columns by the scales of their keys.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void ScaleColumns(const float* scales, float factor,
                                             float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const float scale = scales[8 * n + 2 * t + j] * factor;
#pragma unroll
      for (int r = 0; r < kRowTiles; ++r) {
        s[r][n][j] *= scale;
        s[r][n][2 + j] *= scale;
      }
    }
  }
}

// cap * tanh(s * factor / cap), by the exponential: off by some units of the cap's last place,
// never above the cap.
__device__ __forceinline__ float CappedScore(float s, float factor, float cap) {
  constexpr float kTwoOverLn2 = 2.885390082f;
  const float e = Exp2Approx(s * (factor / cap) * kTwoOverLn2);
  return cap * (1.0f - __fdividef(2.0f, e + 1.0f));
}

// Hides the keys of a tile that a row may not see. `first`: of the tile. `position(r, h)`: where
// row g + 8 * h of tile r stands.
template <class Shape, int kRowTiles, typename PositionFn>
__device__ __forceinline__ void Mask(const PositionFn& position, int first, int sliding_window,
                                     float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int last = position(r, h);
      const int before = sliding_window == 0 ? -1 : last - sliding_window;
#pragma unroll
      for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          const int key = first + 8 * n + 2 * t + j;
          if (key > last || key <= before) s[r][n][2 * h + j] = -INFINITY;
        }
      }
    }
  }
}

// Turns s into p, and m, l and o to the new maximum. `to_log2_of(r, h)`: of row g + 8 * h of tile
// r, s times it is the score over ln 2.
template <class Shape, int kRowTiles, typename ToLog2Fn>
__device__ __forceinline__ void Softmax(const ToLog2Fn& to_log2_of,
                                        WarpRows<Shape, kRowTiles>& rows,
                                        float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
  float factor[kRowTiles][2];
  bool changed = false;
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float m = rows.m[r][h];
#pragma unroll
      for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
        m = fmaxf(m, fmaxf(s[r][n][2 * h], s[r][n][2 * h + 1]));
      }
      m = fmaxf(m, __shfl_xor_sync(kWholeWarp, m, 1));
      m = fmaxf(m, __shfl_xor_sync(kWholeWarp, m, 2));
      const float to_log2 = to_log2_of(r, h);
      factor[r][h] = m == rows.m[r][h] ? 1.0f : Exp2Approx(__fmul_rn(rows.m[r][h] - m, to_log2));
      changed = changed || factor[r][h] != 1.0f;
      rows.m[r][h] = m;
      // A row that has seen nothing yet: any number keeps p = 0 from being NaN.
      const float base = m == -INFINITY ? 0.0f : __fmul_rn(m, to_log2);
      float sum = 0.0f;
#pragma unroll
      for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
#pragma unroll
        for (int j = 2 * h; j < 2 * h + 2; ++j) {
          s[r][n][j] = Exp2Approx(__fmaf_rn(s[r][n][j], to_log2, -base));
          sum = __fadd_rn(sum, s[r][n][j]);
        }
      }
      rows.l[r][h] = __fmaf_rn(rows.l[r][h], factor[r][h], sum);
    }
  }
  if (__any_sync(kWholeWarp, changed) == 0) return;
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int i = 0; i < Shape::kHeadDim / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) rows.o[r][i][j] = __fmul_rn(rows.o[r][i][j], factor[r][j / 2]);
    }
  }
}

// o += p v. `v`: a tile.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void AddValues(const unsigned char* v,
                                          const float (&p)[kRowTiles][Shape::kTileKeys / 8][4],
                                          WarpRows<Shape, kRowTiles>& rows) {
  using Value = typename Shape::Value;
  const int lane = threadIdx.x % kWarpSize;
#pragma unroll
  for (int n = 0; n < Shape::kTileKeys / 8; n += 2) {
    // The accumulators of two products are a fragment of p.
    unsigned a[kRowTiles][4];
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) {
      a[r][0] = PackHalves<Value>(p[r][n][0], p[r][n][1]);
      a[r][1] = PackHalves<Value>(p[r][n][2], p[r][n][3]);
      a[r][2] = PackHalves<Value>(p[r][n + 1][0], p[r][n + 1][1]);
      a[r][3] = PackHalves<Value>(p[r][n + 1][2], p[r][n + 1][3]);
    }
    // Matrices: keys 0-7 and 8-15 of one chunk, then of the next.
    const unsigned char* row = v + (8 * n + lane % 16) * Shape::kStrideBytes;
    if constexpr (sizeof(typename Shape::Element) == 2) {
#pragma unroll
      for (int d = 0; d < Shape::kHeadDim / 8; d += 2) {
        unsigned b[4];
        LdMatrix4Transposed(b, row + (d + lane / 16) * 16);
#pragma unroll
        for (int r = 0; r < kRowTiles; ++r) {
          MmaM16N8K16<Value>(rows.o[r][d], a[r], b[0], b[1]);
          MmaM16N8K16<Value>(rows.o[r][d + 1], a[r], b[2], b[3]);
        }
      }
    } else {
      // A register has two elements, 2g and 2g + 1, of each of two keys: one goes into the first
      // product of a pair, the other into the second.
#pragma unroll
      for (int chunk = 0; chunk < Shape::kChunks; chunk += 2) {
        unsigned bytes[4];
        LdMatrix4Transposed(bytes, row + min(chunk + lane / 16, Shape::kChunks - 1) * 16);
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          if (chunk + c == Shape::kChunks) break;
          const unsigned even0 = Shape::Format::template Value2<0x5250>(bytes[2 * c]);
          const unsigned even1 = Shape::Format::template Value2<0x5250>(bytes[2 * c + 1]);
          const unsigned odd0 = Shape::Format::template Value2<0x5351>(bytes[2 * c]);
          const unsigned odd1 = Shape::Format::template Value2<0x5351>(bytes[2 * c + 1]);
#pragma unroll
          for (int r = 0; r < kRowTiles; ++r) {
            MmaM16N8K16<Value>(rows.o[r][2 * (chunk + c)], a[r], even0, even1);
            MmaM16N8K16<Value>(rows.o[r][2 * (chunk + c) + 1], a[r], odd0, odd1);
          }
        }
      }
    }
  }
}

// The element of the head that o[.][i][j] is.
template <class Shape>
__device__ __forceinline__ int ColumnOf(int i, int j) {
  const int t = threadIdx.x % 4;
  if constexpr (sizeof(typename Shape::Element) == 2) {
    return 8 * i + 2 * t + j % 2;
  } else {
    return i / 2 * 16 + 4 * t + 2 * (j % 2) + i % 2;
  }
}

// Caps the scores of a tile; to_log2 has the factor of a row without the cap in it.
template <class Shape, int kRowTiles>
__device__ __forceinline__ void CapScores(const float (&row_factor)[kRowTiles][2], float cap,
                                          float (&s)[kRowTiles][Shape::kTileKeys / 8][4]) {
#pragma unroll
  for (int r = 0; r < kRowTiles; ++r) {
#pragma unroll
    for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) s[r][n][j] = CappedScore(s[r][n][j], row_factor[r][j / 2], cap);
    }
  }
}

// --- splits --------------------------------------------------------------------------------------

// m in units of log2, l and o of a split or of all splits so far.
struct SplitSum {
  float m;
  float l;
};
struct SplitWeights {
  float m;
  float before;
  float after;
};
__device__ __forceinline__ SplitWeights WeighSplits(float before_m, float after_m) {
  const float m = fmaxf(before_m, after_m);
  return {m, before_m == m ? 1.0f : Exp2Approx(before_m - m),
          after_m == m ? 1.0f : Exp2Approx(after_m - m)};
}
// Joins two sums. A split without a visible key, whose m is -infinity, changes nothing.
__device__ __forceinline__ float JoinSplits(const SplitWeights& w, float before_m, float before,
                                            float after_m, float after) {
  if (after_m == -INFINITY) return before;
  if (before_m == -INFINITY) return after;
  return __fmaf_rn(after, w.after, __fmul_rn(before, w.before));
}

// m and l of a row's split, once all its tiles are done; every lane of the row gets them.
__device__ __forceinline__ SplitSum CloseSplit(float m, float l, float to_log2) {
  l = __fadd_rn(l, __shfl_xor_sync(kWholeWarp, l, 1));
  l = __fadd_rn(l, __shfl_xor_sync(kWholeWarp, l, 2));
  return {m == -INFINITY ? m : __fmul_rn(m, to_log2), l};
}

}  // namespace quire::kernels::cuda
