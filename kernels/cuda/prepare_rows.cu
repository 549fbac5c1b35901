#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/prepare_rows.h"
#include "kernels/cuda/ptx.cuh"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr std::int64_t kFewRows = 64;
constexpr int kPieceUnits = 16;  // one turn of the threads

// The largest |x| of a row, returned to every thread. NaN counts for nothing.
__device__ float LargestOfRow(const float* row, std::int64_t size) {
  __shared__ float partial[kThreads / kWarpSize];
  float largest = 0.0f;
  for (std::int64_t i = threadIdx.x; i < size; i += kThreads) {
    largest = fmaxf(largest, fabsf(row[i]));
  }
  largest = WarpMax(largest);
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = largest;
  __syncthreads();
  for (const float other : partial) largest = fmaxf(largest, other);
  return largest;
}

// e such that `largest` times 2^e is in [2^14, 2^15), which f16 holds; within [-126, 126].
__device__ int ExponentFor(float largest) {
  const int exponent = static_cast<int>(__float_as_uint(largest) >> 23 & 0xffu) - 127;
  return max(-126, min(126, 14 - exponent));
}
__device__ float PowerOfTwo(int exponent) {
  return __uint_as_float(static_cast<unsigned>(127 + exponent) << 23);
}

// Block (x, y) prepares units [y * piece_units, (y + 1) * piece_units) of row x; each reads the
// whole row for its largest element. Four threads share a slice: thread t has the inputs 2t, 2t +
// 1, 2t + 8 and 2t + 9, the words of one lane.
template <typename T, int kTerms>
__global__ void __launch_bounds__(kThreads)
    PrepareRowsKernel(const float* x,              // [rows, in]
                      const std::int32_t* inputs,  // [units * 64] or null: see WeightView
                      std::uint8_t* blocks,        // [row blocks, units, RowBlockBytes]
                      float* factors,              // [rows]
                      std::int64_t in, std::int64_t x_stride, int units, int piece_units) {
  constexpr int kBlockBytes = RowBlockBytes(kTerms);
  constexpr int kUnitQuads = kUnitInputs / 4;
  const float* const row = x + blockIdx.x * x_stride;
  const int exponent = ExponentFor(LargestOfRow(row, in));
  const float scale = PowerOfTwo(exponent);
  if (threadIdx.x == 0 && blockIdx.y == 0) factors[blockIdx.x] = PowerOfTwo(-exponent);
  const int place_in_block = blockIdx.x % kBlockRows;
  std::uint8_t* const row_block =
      blocks + static_cast<std::int64_t>(blockIdx.x / kBlockRows) * units * kBlockBytes;
  const int begin = static_cast<int>(blockIdx.y) * piece_units * kUnitQuads;
  const int end = min(units * kUnitQuads, begin + piece_units * kUnitQuads);
  // Every lane takes every turn: four of them add up their sums.
  for (int first = begin; first < end; first += kThreads) {
    const int quad = first + static_cast<int>(threadIdx.x);
    const int slice = quad / 4 % kUnitSlices;
    const int t = quad % 4;
    float value[4] = {};
    if (quad < end) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int place = quad / 4 * kSliceInputs + t * 2 + i % 2 + i / 2 * 8;
        const int input = inputs != nullptr ? inputs[place] : place;
        if (input >= 0 && input < in) value[i] = row[input] * scale;
      }
    }
    float sum = (value[0] + value[1]) + (value[2] + value[3]);
    sum += __shfl_xor_sync(kAllLanes, sum, 1);
    sum += __shfl_xor_sync(kAllLanes, sum, 2);
    if (quad >= end) continue;
    std::uint8_t* const block =
        row_block + static_cast<std::int64_t>(quad / kUnitQuads) * kBlockBytes;
    auto* const words = reinterpret_cast<uint2*>(block);
#pragma unroll
    for (int term = 0; term < kTerms; ++term) {
      const std::uint32_t low = PackHalves<T>(value[0], value[1]);
      const std::uint32_t high = PackHalves<T>(value[2], value[3]);
      words[(term * kUnitSlices + slice) * kLanes + place_in_block * 4 + t] = make_uint2(low, high);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const std::uint32_t word = i < 2 ? low : high;
        value[i] -= FromBits<T>(static_cast<std::uint16_t>(word >> (i % 2 * 16)));
      }
    }
    if (t == 0) {
      reinterpret_cast<float*>(block +
                               kTerms * RowTermBytes())[slice * kBlockRows + place_in_block] = sum;
    }
  }
}

}  // namespace

PreparedRows PrepareRows(const MatrixView& x, const WeightView& weight, DType element, void* memory,
                         CudaStream& stream) {
  const int terms = RowTerms(element, stream.row_precision());
  const std::int64_t row_blocks = (x.rows + kBlockRows - 1) / kBlockRows;
  auto* const blocks = static_cast<std::uint8_t*>(memory);
  auto* const factors =
      reinterpret_cast<float*>(blocks + row_blocks * weight.units * RowBlockBytes(terms));
  const auto kernel =
      element == DType::kBF16
          ? (terms == 1 ? PrepareRowsKernel<__nv_bfloat16, 1> : PrepareRowsKernel<__nv_bfloat16, 3>)
          : (terms == 1 ? PrepareRowsKernel<__half, 1> : PrepareRowsKernel<__half, 2>);
  // Few rows are shared out, so that one does not take as long as the product.
  const int units = std::max(1, weight.units);  // a row of nothing has a factor too
  const int piece_units = x.rows <= kFewRows ? kPieceUnits : units;
  Launch(kernel,
         {dim3(static_cast<unsigned>(x.rows),
               static_cast<unsigned>((units + piece_units - 1) / piece_units)),
          kThreads},
         stream, Floats(x), weight.inputs, blocks, factors, weight.in, x.row_stride, weight.units,
         piece_units);
  return {.blocks = blocks, .factors = factors, .rows = x.rows, .terms = terms};
}

}  // namespace quire::kernels::cuda
