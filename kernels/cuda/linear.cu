#include <algorithm>
#include <type_traits>

#include "kernels/cuda/cublas_lt.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/run_product.h"
#include "kernels/linear.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kOutputs = 4;     // of a warp, which share what it reads of x
constexpr int kMostTokens = 8;  // for which a warp reads a weight once
constexpr int kChunk = 8;       // inputs that a lane takes at a time
// Rows from which on a weight of 16 bits goes to cuBLASLt, where rows may be rounded to 16 bits.
constexpr std::int64_t kLeastLibraryRows = 9;
constexpr int kConvertThreads = 256;

struct LinearKernelArgs {
  const float* x;      // [tokens, in]
  const void* weight;  // [out, in]
  const float* bias;   // [out] or null
  float* y;            // [tokens, out]
  std::int64_t tokens;
  std::int64_t in;
  std::int64_t out;
  std::int64_t x_stride;
  std::int64_t weight_stride;
  std::int64_t y_stride;
  bool x_is_aligned;  // every row of x to 16 bytes
  bool accumulate;
};

__device__ void LoadVector(const float* from, float (&to)[kChunk]) {
#pragma unroll
  for (int i = 0; i < kChunk; i += 4) {
    const float4 v = *reinterpret_cast<const float4*>(from + i);
    to[i] = v.x;
    to[i + 1] = v.y;
    to[i + 2] = v.z;
    to[i + 3] = v.w;
  }
}
// Elements from `count` on become 0.
template <typename T>
__device__ void LoadSome(const T* from, std::int64_t count, float (&to)[kChunk]) {
#pragma unroll
  for (int i = 0; i < kChunk; ++i) to[i] = i < count ? ToFloat(from[i]) : 0.0f;
}

// f32 weights, and others whose rows tensor cores cannot take: multiply-adds. A warp owns kOutputs
// outputs of kTokens tokens. Its lanes stride over `in` by chunks, each with a
// sum per output and token, and add up in a tree: the order depends on `in` alone. `kAligned`: rows
// of the weight are whole chunks, aligned to 16 bytes; only f32 ones get here so.
template <typename T, int kTokens, bool kAligned>
__global__ void __launch_bounds__(kWarps* kWarpSize, 3) LinearKernel(const LinearKernelArgs args) {
  const int lane = threadIdx.x % kWarpSize;
  const std::int64_t first_output =
      (static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarpSize) * kOutputs;
  const std::int64_t first_token = static_cast<std::int64_t>(blockIdx.y) * kTokens;
  if (first_output >= args.out) return;
  // Beyond the last output and token the last one is taken again, and nothing written.
  const T* weight[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
    weight[o] = static_cast<const T*>(args.weight) +
                min(first_output + o, args.out - 1) * args.weight_stride;
  }
  const float* x[kTokens];
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    x[t] = args.x + min(first_token + t, args.tokens - 1) * args.x_stride;
  }
  float sum[kOutputs][kTokens] = {};
  for (std::int64_t k = lane * kChunk; k < args.in; k += kWarpSize * kChunk) {
    const std::int64_t count = args.in - k;
    float w[kOutputs][kChunk];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
      if constexpr (kAligned) {
        LoadVector(weight[o] + k, w[o]);
      } else {
        LoadSome(weight[o] + k, count, w[o]);
      }
    }
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      float values[kChunk];
      if (kAligned && args.x_is_aligned) {
        LoadVector(x[t] + k, values);
      } else {
        LoadSome(x[t] + k, count, values);
      }
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
        for (int i = 0; i < kChunk; ++i) sum[o][t] = fmaf(values[i], w[o][i], sum[o][t]);
      }
    }
  }
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      float total = WarpSum(sum[o][t]);
      if (lane != 0 || first_token + t >= args.tokens || first_output + o >= args.out) continue;
      if (args.bias != nullptr) total += args.bias[first_output + o];
      float* to = args.y + (first_token + t) * args.y_stride + first_output + o;
      *to = args.accumulate ? *to + total : total;
    }
  }
}

template <typename T, int kTokens>
void LaunchLinear(const LinearKernelArgs& args, CudaStream& stream) {
  constexpr std::int64_t kBlockOutputs = kWarps * kOutputs;
  const LaunchShape shape = {
      dim3(static_cast<unsigned>((args.out + kBlockOutputs - 1) / kBlockOutputs),
           static_cast<unsigned>((args.tokens + kTokens - 1) / kTokens)),
      kWarps * kWarpSize};
  if constexpr (std::is_same_v<T, float>) {
    if (args.weight_stride % kChunk == 0 && args.in % kChunk == 0 &&
        reinterpret_cast<std::uintptr_t>(args.weight) % 16 == 0) {
      return Launch(LinearKernel<T, kTokens, true>, shape, stream, args);
    }
  }
  Launch(LinearKernel<T, kTokens, false>, shape, stream, args);
}

template <typename T>
void LaunchLinear(const LinearKernelArgs& args, CudaStream& stream) {
  static_assert(kMostTokens == 8);
  if (args.tokens == 1) {
    LaunchLinear<T, 1>(args, stream);
  } else if (args.tokens == 2) {
    LaunchLinear<T, 2>(args, stream);
  } else if (args.tokens <= 4) {
    LaunchLinear<T, 4>(args, stream);
  } else {
    LaunchLinear<T, kMostTokens>(args, stream);
  }
}

// One block per row; threads stride over it. Beyond f16's range its largest number is taken.
template <typename T>
__global__ void __launch_bounds__(kConvertThreads)
    ConvertRowsKernel(const float* x,  // [rows, in]
                      T* to,           // [rows, in], dense
                      std::int64_t in, std::int64_t x_stride) {
  constexpr float kLargest = std::is_same_v<T, __half> ? 65504.0f : INFINITY;
  for (std::int64_t i = threadIdx.x; i < in; i += kConvertThreads) {
    const float value = x[blockIdx.x * x_stride + i];
    to[blockIdx.x * in + i] =
        FromFloat<T>(isnan(value) ? value : fminf(fmaxf(value, -kLargest), kLargest));
  }
}

// False if the library is not there or does not want to.
template <typename T>
bool MultiplyByLibrary(const LinearArgs& args, CudaStream& stream) {
  CublasLt* const library = CublasLt::OfProcess();
  if (library == nullptr) return false;
  const std::int64_t rows_bytes = (args.x.rows * args.x.cols * 2 + 255) / 256 * 256;
  auto* const scratch =
      static_cast<std::uint8_t*>(stream.Scratch(rows_bytes + CublasLt::kWorkspaceBytes));
  if (scratch == nullptr) return true;  // the stream has the error
  Launch(ConvertRowsKernel<T>, {static_cast<unsigned>(args.x.rows), kConvertThreads}, stream,
         Floats(args.x), reinterpret_cast<T*>(scratch), args.x.cols, args.x.row_stride);
  return library->Multiply({.x = scratch,
                            .weight = args.weight,
                            .bias = Floats(args.bias),
                            .y = args.y,
                            .accumulate = args.accumulate,
                            .workspace = scratch + rows_bytes},
                           stream);
}

// Whether rows can be loaded 16 bytes at a time, as products on tensor cores do.
bool HasAlignedRows(const MatrixView& weight) {
  return weight.dtype != DType::kF32 && weight.row_stride % kChunk == 0 &&
         weight.cols % kChunk == 0 && reinterpret_cast<std::uintptr_t>(weight.data) % 16 == 0;
}

// The weight as it is, in tiles and units that need no packing.
WeightView PlainView(const MatrixView& weight) {
  WeightView view;
  view.codes = static_cast<const std::uint8_t*>(weight.data);
  view.out = weight.rows;
  view.in = weight.cols;
  view.tiles = static_cast<int>((weight.rows + kTileOutputs - 1) / kTileOutputs);
  view.units = static_cast<int>((weight.cols + kUnitInputs - 1) / kUnitInputs);
  view.plain_stride = weight.row_stride;
  PlanParts(view);
  return view;
}

bool IsAligned(const MatrixView& x) {
  return x.row_stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
}

}  // namespace

void Linear(const LinearArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0 || args.weight.rows == 0) return;
  WithElementType(args.weight.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    if constexpr (!std::is_same_v<T, float>) {
      if (cuda.row_precision() == RowPrecision::kHalf && args.x.rows >= kLeastLibraryRows &&
          MultiplyByLibrary<T>(args, cuda)) {
        return;
      }
      if (HasAlignedRows(args.weight)) {
        return RunProduct(
            {.x = args.x,
             .weight = PlainView(args.weight),
             .element = args.weight.dtype,
             .is_plain = true,
             .launch = std::is_same_v<T, __half> ? &LaunchProductF16 : &LaunchProductBF16,
             .bias = args.bias,
             .y = args.y,
             .accumulate = args.accumulate},
            cuda);
      }
    }
    LaunchLinear<T>({.x = Floats(args.x),
                     .weight = args.weight.data,
                     .bias = Floats(args.bias),
                     .y = Floats(args.y),
                     .tokens = args.x.rows,
                     .in = args.weight.cols,
                     .out = args.weight.rows,
                     .x_stride = args.x.row_stride,
                     .weight_stride = args.weight.row_stride,
                     .y_stride = args.y.row_stride,
                     .x_is_aligned = IsAligned(args.x),
                     .accumulate = args.accumulate},
                    cuda);
  });
}

}  // namespace quire::kernels::cuda
