#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/row_attention.cuh"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {

// An f32 key or value as two 16-bit numbers, what rounding leaves of the first being the second:
// two f16 for scores, 22 bits of a row of which a power of two is taken out; two bf16 for p and v,
// 16 bits. Products are three of tensor cores, without that of the two second parts.
struct TwoHalves {
  std::uint16_t bits;
};
template <>
struct KvFormat<TwoHalves> {
  using Score = __half;
  using Value = __nv_bfloat16;
  static constexpr bool kHasScales = true;
  static constexpr float kScoreFactor = 1.0f;
};

namespace {

// Tuned numbers; none has been measured on a GPU.
constexpr int kWarps = 4;
constexpr int kBlockRows = 16 * kWarps;
constexpr unsigned kThreads = kWarps * kWarpSize;

struct EncoderParams {
  const float* q;  // [tokens, num_heads * head_dim], as k, v and out
  const float* k;
  const float* v;
  float* out;
  const std::int32_t* cu_seqlens;  // [sequences + 1]
  int num_sequences;
  std::int64_t q_stride;
  std::int64_t k_stride;
  std::int64_t v_stride;
  std::int64_t out_stride;
  int head_dim;
  float scale;
};

// Rows [first, first + kBlockRows) of a sequence that begins at token `begin`.
struct EncoderTile {
  int begin;
  int length;
  int first;
};

// Tile `index` of the sequences in order; a length of 0 where there are not so many. Every lane of
// the warp must call it.
__device__ EncoderTile FindTile(const std::int32_t* cu_seqlens, int num_sequences, int index) {
  const int lane = threadIdx.x % kWarpSize;
  int before = 0;  // tiles of the sequences so far
  for (int s = 0; s < num_sequences; s += kWarpSize) {
    const int sequence = s + lane;
    const bool exists = sequence < num_sequences;
    const int begin = exists ? cu_seqlens[sequence] : 0;
    const int length = exists ? cu_seqlens[sequence + 1] - begin : 0;
    const int tiles = (length + kBlockRows - 1) / kBlockRows;
    int sum = tiles;  // of the lanes up to this one
    for (int delta = 1; delta < kWarpSize; delta *= 2) {
      const int other = __shfl_up_sync(kWholeWarp, sum, delta);
      if (lane >= delta) sum += other;
    }
    const unsigned found = __ballot_sync(kWholeWarp, before + sum > index);
    if (found != 0) {
      const int source = __ffs(static_cast<int>(found)) - 1;
      const int first = (index - before - (sum - tiles)) * kBlockRows;
      return {__shfl_sync(kWholeWarp, begin, source), __shfl_sync(kWholeWarp, length, source),
              __shfl_sync(kWholeWarp, first, source)};
    }
    before += __shfl_sync(kWholeWarp, sum, kWarpSize - 1);
  }
  return {0, 0, 0};
}

// Puts a row of head_dim elements into shared memory as two parts; null is a row of zeros. Called
// by one warp. With kScaled a power of two is taken out, so that f16 holds it, and returned.
template <typename T, bool kScaled, int kHeadDim>
__device__ float SplitRow(const float* from, T* first, T* second) {
  constexpr int kPerLane = (kHeadDim + kWarpSize - 1) / kWarpSize;
  const int lane = threadIdx.x % kWarpSize;
  float values[kPerLane];
  float largest = 0.0f;
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int d = lane + i * kWarpSize;
    values[i] = from != nullptr && d < kHeadDim ? from[d] : 0.0f;
    largest = fmaxf(largest, fabsf(values[i]));
  }
  PowerOfTwo factor = {1.0f, 1.0f};
  if constexpr (kScaled) factor = FactorForHalf(WarpMax(largest));
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int d = lane + i * kWarpSize;
    if (d >= kHeadDim) continue;
    const float value = values[i] * factor.down;
    first[d] = FromFloat<T>(value);
    second[d] = FromFloat<T>(value - ToFloat(first[d]));
  }
  return factor.up;
}

template <class Shape>
struct EncoderShared {
  static constexpr int kQueryBytes = kBlockRows * Shape::kQueryStride * 2;
  static constexpr int kBytes =
      2 * kQueryBytes + 4 * Shape::kTileBytes + (Shape::kTileKeys + kBlockRows) * 4;

  __device__ __half* q(int part) const {
    return reinterpret_cast<__half*>(base + part * kQueryBytes);
  }
  __device__ unsigned char* tile(int i) const {
    return base + 2 * kQueryBytes + i * Shape::kTileBytes;
  }
  __device__ unsigned char* k(int part) const { return tile(part); }
  __device__ unsigned char* v(int part) const { return tile(2 + part); }
  __device__ float* k_factors() const { return reinterpret_cast<float*>(tile(4)); }
  __device__ float* q_factors() const { return k_factors() + Shape::kTileKeys; }

  unsigned char* base;
};

// Block (tile, head) has 64 rows of one sequence, each warp 16 of them, over all keys.
template <class Shape>
__global__ void __launch_bounds__(kThreads) EncoderAttentionKernel(EncoderParams params) {
  const EncoderShared<Shape> shared = {DynamicSharedMemory()};
  const EncoderTile tile =
      FindTile(params.cu_seqlens, params.num_sequences, static_cast<int>(blockIdx.x));
  if (tile.length == 0) return;  // the whole block
  const int lane = threadIdx.x % kWarpSize;
  const int warp = threadIdx.x / kWarpSize;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * Shape::kHeadDim;
  const auto row_of = [&](const float* m, std::int64_t stride, int row) {
    return row < tile.length ? m + (tile.begin + row) * stride + column : nullptr;
  };

  for (int r = 16 * warp; r < 16 * warp + 16; ++r) {
    const float factor = SplitRow<__half, true, Shape::kHeadDim>(
        row_of(params.q, params.q_stride, tile.first + r), shared.q(0) + r * Shape::kQueryStride,
        shared.q(1) + r * Shape::kQueryStride);
    if (lane == 0) shared.q_factors()[r] = factor;
  }
  __syncwarp();
  constexpr float kLog2E = 1.442695041f;
  float to_log2[2];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    to_log2[h] = params.scale * shared.q_factors()[16 * warp + 8 * h + lane / 4] * kLog2E;
  }
  WarpRows<Shape, 1> rows;
  StartSplit(rows);

  for (int first = 0; first < tile.length; first += Shape::kTileKeys) {
    __syncthreads();  // everybody is done with the tiles before
    for (int key = warp; key < Shape::kTileKeys; key += kWarps) {
      const auto at = [&](unsigned char* to) { return to + key * Shape::kStrideBytes; };
      const float factor = SplitRow<__half, true, Shape::kHeadDim>(
          row_of(params.k, params.k_stride, first + key),
          reinterpret_cast<__half*>(at(shared.k(0))), reinterpret_cast<__half*>(at(shared.k(1))));
      if (lane == 0) shared.k_factors()[key] = factor;
      SplitRow<__nv_bfloat16, false, Shape::kHeadDim>(
          row_of(params.v, params.v_stride, first + key),
          reinterpret_cast<__nv_bfloat16*>(at(shared.v(0))),
          reinterpret_cast<__nv_bfloat16*>(at(shared.v(1))));
    }
    __syncthreads();
    float s[1][Shape::kTileKeys / 8][4];
    SetToZero(s);
    const int offset = 16 * warp * Shape::kQueryStride;
    AddScores<Shape>(shared.q(0) + offset, shared.k(1), s);  // the small ones first
    AddScores<Shape>(shared.q(1) + offset, shared.k(0), s);
    AddScores<Shape>(shared.q(0) + offset, shared.k(0), s);
    ScaleColumns<Shape>(shared.k_factors(), 1.0f, s);
    if (first + Shape::kTileKeys > tile.length) {
      Mask<Shape>([&](int, int) { return tile.length - 1; }, first, /*sliding_window=*/0, s);
    }
    Softmax([&](int, int h) { return to_log2[h]; }, rows, s);
    float rest[1][Shape::kTileKeys / 8][4];
#pragma unroll
    for (int n = 0; n < Shape::kTileKeys / 8; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        rest[0][n][j] = s[0][n][j] - ToFloat(FromFloat<__nv_bfloat16>(s[0][n][j]));
      }
    }
    AddValues(shared.v(1), s, rows);
    AddValues(shared.v(0), rest, rows);
    AddValues(shared.v(0), s, rows);
  }

#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const SplitSum sum = CloseSplit(rows.m[0][h], rows.l[0][h], to_log2[h]);
    const int row = tile.first + 16 * warp + 8 * h + lane / 4;
    if (row >= tile.length) continue;
    float* const out = params.out + (tile.begin + row) * params.out_stride + column;
#pragma unroll
    for (int i = 0; i < Shape::kHeadDim / 8; ++i) {
#pragma unroll
      for (int j = 2 * h; j < 2 * h + 2; ++j) {
        out[ColumnOf<Shape>(i, j)] = rows.o[0][i][j] / sum.l;
      }
    }
  }
}

// One block per (token, head), for the sizes that the kernel above has no instance for. It finds
// the token's sequence by bisection of cu_seqlens.
__global__ void __launch_bounds__(kAttentionThreads) EncoderRowKernel(EncoderParams params) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * params.head_dim;
  int low = 0;
  int high = params.num_sequences - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (params.cu_seqlens[middle] <= token) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const std::int64_t begin = params.cu_seqlens[low];
  AttendRow(
      params.q + token * params.q_stride + column, params.out + token * params.out_stride + column,
      params.head_dim, params.scale, /*soft_cap=*/0.0f, 0,
      static_cast<int>(params.cu_seqlens[low + 1] - begin), [&](int j) { return begin + j; },
      [&](std::int64_t row) {
        return KvRow<float>{params.k + row * params.k_stride + column, 1.0f};
      },
      [&](std::int64_t row) {
        return KvRow<float>{params.v + row * params.v_stride + column, 1.0f};
      });
}

template <int kHeadDim>
void LaunchTiles(const EncoderParams& params, std::int64_t tokens, int num_heads,
                 CudaStream& stream) {
  // Two parts of everything: more keys would not fit 99 KiB.
  using Shape = TileShape<TwoHalves, kHeadDim, (kHeadDim <= 96 ? 64 : 32)>;
  // The lengths are in device memory: at most so many, and blocks beyond them have nothing to do.
  const auto tiles = static_cast<unsigned>(tokens / kBlockRows + params.num_sequences);
  Launch(EncoderAttentionKernel<Shape>,
         {dim3(tiles, static_cast<unsigned>(num_heads)), kThreads, EncoderShared<Shape>::kBytes},
         stream, params);
}

}  // namespace

void EncoderAttention(const EncoderAttentionArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.q.rows == 0) return;
  const EncoderParams params = {.q = Floats(args.q),
                                .k = Floats(args.k),
                                .v = Floats(args.v),
                                .out = Floats(args.out),
                                .cu_seqlens = args.sequences.data,
                                .num_sequences = args.sequences.num_sequences,
                                .q_stride = args.q.row_stride,
                                .k_stride = args.k.row_stride,
                                .v_stride = args.v.row_stride,
                                .out_stride = args.out.row_stride,
                                .head_dim = args.head_dim,
                                .scale = args.scale};
  switch (args.head_dim) {
    case 32:
      return LaunchTiles<32>(params, args.q.rows, args.num_heads, cuda);
    case 64:
      return LaunchTiles<64>(params, args.q.rows, args.num_heads, cuda);
    case 96:
      return LaunchTiles<96>(params, args.q.rows, args.num_heads, cuda);
    case 128:
      return LaunchTiles<128>(params, args.q.rows, args.num_heads, cuda);
    default:
      break;
  }
  if (args.head_dim > kMaxHeadDim) return cuda.Record(cudaErrorInvalidValue);
  Launch(EncoderRowKernel,
         {dim3(static_cast<unsigned>(args.q.rows), static_cast<unsigned>(args.num_heads)),
          kAttentionThreads},
         cuda, params);
}

}  // namespace quire::kernels::cuda
