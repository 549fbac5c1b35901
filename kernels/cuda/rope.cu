#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/rope.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 128;

// One block per token; each thread turns the same pair in every head, so that the angle is computed
// once.
__global__ void __launch_bounds__(kThreads)
    RopeKernel(float* x,                        // [tokens, num_heads * head_dim]
               const std::int32_t* positions,   // [tokens]
               const float* inverse_frequency,  // [half]
               std::int64_t width, std::int64_t x_stride, int head_dim, int half, float factor) {
  float* row = x + blockIdx.x * x_stride;
  for (int i = threadIdx.x; i < half; i += kThreads) {
    double sine = 0.0;
    double cosine = 0.0;
    sincos(static_cast<double>(positions[blockIdx.x]) * inverse_frequency[i], &sine, &cosine);
    const float s = factor * static_cast<float>(sine);
    const float c = factor * static_cast<float>(cosine);
    for (std::int64_t head = 0; head < width; head += head_dim) {
      const float a = row[head + i];
      const float b = row[head + half + i];
      row[head + i] = a * c - b * s;
      row[head + half + i] = b * c + a * s;
    }
  }
}

}  // namespace

void Rope(const RopeArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.x.rows == 0 || args.rotary_dim == 0) return;
  Launch(RopeKernel, {static_cast<unsigned>(args.x.rows), kThreads}, cuda, Floats(args.x),
         args.positions, args.inverse_frequency, args.x.cols, args.x.row_stride, args.head_dim,
         args.rotary_dim / 2, args.attention_factor);
}

}  // namespace quire::kernels::cuda
