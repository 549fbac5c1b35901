#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/pooling.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// One block per sequence; each thread owns every kThreads-th column and adds its tokens in order.
__global__ void __launch_bounds__(kThreads)
    PoolKernel(const float* x,                  // [tokens, hidden]
               const std::int32_t* cu_seqlens,  // [sequences + 1]
               float* out,                      // [sequences, hidden]
               std::int64_t hidden, std::int64_t x_stride, std::int64_t out_stride,
               PoolArgs::Kind kind, bool normalize) {
  const std::int64_t begin = cu_seqlens[blockIdx.x];
  const std::int64_t end = cu_seqlens[blockIdx.x + 1];
  const std::int64_t first = kind == PoolArgs::Kind::kLast ? end - 1 : begin;
  const std::int64_t last = kind == PoolArgs::Kind::kFirst ? begin + 1 : end;
  float* to = out + blockIdx.x * out_stride;
  const float inverse_count = 1.0f / static_cast<float>(last - first);
  float squares = 0.0f;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) {
    float sum = 0.0f;
    for (std::int64_t t = first; t < last; ++t) sum += x[t * x_stride + i];
    to[i] = sum * inverse_count;
    squares += to[i] * to[i];
  }
  if (!normalize) return;
  const float norm = sqrtf(BlockSum<kThreads>(squares));
  const float scale = norm > 0.0f ? 1.0f / norm : 1.0f;
  for (std::int64_t i = threadIdx.x; i < hidden; i += kThreads) to[i] *= scale;
}

}  // namespace

void Pool(const PoolArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.sequences.num_sequences == 0) return;
  Launch(PoolKernel, {static_cast<unsigned>(args.sequences.num_sequences), kThreads}, cuda,
         Floats(args.x), args.sequences.data, Floats(args.out), args.x.cols, args.x.row_stride,
         args.out.row_stride, args.kind, args.normalize);
}

}  // namespace quire::kernels::cuda
