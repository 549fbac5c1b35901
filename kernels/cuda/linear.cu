#include <type_traits>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/linear.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kWarps = 8;   // outputs of one block
constexpr int kTokens = 8;  // tokens for which a warp reads a weight once

// Warp w of block (i, j) owns output i * kWarps + w for the tokens [j * kTokens, ...). Its lanes
// stride over `in`, each with one sum per token, and add up in a tree: the order depends on `in`
// alone.
template <typename T>
__global__ void __launch_bounds__(kWarps* kWarpSize)
    LinearKernel(const float* __restrict__ x,   // [tokens, in]
                 const T* __restrict__ weight,  // [out, in]
                 const float* bias,             // [out] or null
                 float* y,                      // [tokens, out]
                 std::int64_t tokens, std::int64_t in, std::int64_t out, std::int64_t x_stride,
                 std::int64_t weight_stride, std::int64_t y_stride, bool accumulate) {
  const int lane = threadIdx.x % kWarpSize;
  const std::int64_t output =
      static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarpSize;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.y) * kTokens;
  if (output >= out) return;
  const T* w = weight + output * weight_stride;
  float sum[kTokens] = {};
  for (std::int64_t k = lane; k < in; k += kWarpSize) {
    const float value = ToFloat(w[k]);
#pragma unroll
    for (int t = 0; t < kTokens; ++t) {
      if (first + t < tokens) sum[t] = fmaf(x[(first + t) * x_stride + k], value, sum[t]);
    }
  }
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    float total = WarpSum(sum[t]);
    if (lane != 0 || first + t >= tokens) continue;
    if (bias != nullptr) total += bias[output];
    float* to = y + (first + t) * y_stride + output;
    *to = accumulate ? *to + total : total;
  }
}

}  // namespace

void Linear(const LinearArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0 || args.weight.rows == 0) return;
  const dim3 grid(static_cast<unsigned>((args.weight.rows + kWarps - 1) / kWarps),
                  static_cast<unsigned>((args.x.rows + kTokens - 1) / kTokens));
  WithElementType(args.weight.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(LinearKernel<T>, {grid, kWarps * kWarpSize}, cuda, Floats(args.x),
           static_cast<const T*>(args.weight.data), Floats(args.bias), Floats(args.y), args.x.rows,
           args.weight.cols, args.weight.rows, args.x.row_stride, args.weight.row_stride,
           args.y.row_stride, args.accumulate);
  });
}

}  // namespace quire::kernels::cuda
