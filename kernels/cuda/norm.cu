#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/norm.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// One block per token; threads stride over the hidden dimension.
__global__ void __launch_bounds__(kThreads)
    RmsNormKernel(const float* x,                    // [tokens, hidden]
                  const float* __restrict__ weight,  // [hidden]
                  float* out,                        // [tokens, hidden]; may be x
                  std::int64_t hidden, std::int64_t x_stride, std::int64_t out_stride,
                  float epsilon) {
  const float* row = x + blockIdx.x * x_stride;
  float* to = out + blockIdx.x * out_stride;
  float partial = 0.0f;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) partial += row[i] * row[i];
  const float mean_square = BlockSum<kThreads>(partial) / static_cast<float>(hidden);
  const float scale = 1.0f / sqrtf(mean_square + epsilon);
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) to[i] = row[i] * scale * weight[i];
}

// One block per token; threads stride over the hidden dimension.
__global__ void __launch_bounds__(kThreads)
    LayerNormKernel(const float* x,                    // [tokens, hidden]
                    const float* __restrict__ weight,  // [hidden]
                    const float* __restrict__ bias,    // [hidden]
                    float* out,                        // [tokens, hidden]; may be x
                    std::int64_t hidden, std::int64_t x_stride, std::int64_t out_stride,
                    float epsilon) {
  const float* row = x + blockIdx.x * x_stride;
  float* to = out + blockIdx.x * out_stride;
  const float size = static_cast<float>(hidden);
  float partial = 0.0f;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) partial += row[i];
  const float mean = BlockSum<kThreads>(partial) / size;
  // Two passes: the mean of squares minus the square of the mean cancels.
  partial = 0.0f;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) {
    partial += (row[i] - mean) * (row[i] - mean);
  }
  const float scale = 1.0f / sqrtf(BlockSum<kThreads>(partial) / size + epsilon);
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) {
    to[i] = (row[i] - mean) * scale * weight[i] + bias[i];
  }
}

}  // namespace

void RmsNorm(const RmsNormArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(RmsNormKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         Floats(args.weight), Floats(args.out), args.x.cols, args.x.row_stride, args.out.row_stride,
         args.epsilon);
}

void LayerNorm(const LayerNormArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0) return;
  Launch(LayerNormKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         Floats(args.weight), Floats(args.bias), Floats(args.out), args.x.cols, args.x.row_stride,
         args.out.row_stride, args.epsilon);
}

}  // namespace quire::kernels::cuda
