#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/row_attention.cuh"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {
namespace {

// One block per (head, token). It finds the token's sequence by bisection of cu_seqlens.
__global__ void __launch_bounds__(kAttentionThreads)
    EncoderAttentionKernel(const float* q,  // [tokens, num_heads * head_dim], as k, v and out
                           const float* k, const float* v, float* out,
                           const std::int32_t* cu_seqlens,  // [sequences + 1]
                           int num_sequences, std::int64_t q_stride, std::int64_t k_stride,
                           std::int64_t v_stride, std::int64_t out_stride, int head_dim,
                           float scale) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * head_dim;
  const int token = static_cast<int>(blockIdx.y);
  int low = 0;
  int high = num_sequences - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (cu_seqlens[middle] <= token) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  const std::int64_t begin = cu_seqlens[low];
  AttendRow(
      q + token * q_stride + column, out + token * out_stride + column, head_dim, scale,
      /*soft_cap=*/0.0f, 0, static_cast<int>(cu_seqlens[low + 1] - begin),
      [&](int j) {
        return KvRow<float>{k + (begin + j) * k_stride + column, 1.0f};
      },
      [&](int j) {
        return KvRow<float>{v + (begin + j) * v_stride + column, 1.0f};
      });
}

}  // namespace

void EncoderAttention(const EncoderAttentionArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.q.rows == 0) return;
  if (args.head_dim > kMaxHeadDim) return cuda.Record(cudaErrorInvalidValue);
  const dim3 grid(static_cast<unsigned>(args.num_heads), static_cast<unsigned>(args.q.rows));
  Launch(EncoderAttentionKernel, {grid, kAttentionThreads}, cuda, Floats(args.q), Floats(args.k),
         Floats(args.v), Floats(args.out), args.sequences.data, args.sequences.num_sequences,
         args.q.row_stride, args.k.row_stride, args.v.row_stride, args.out.row_stride,
         args.head_dim, args.scale);
}

}  // namespace quire::kernels::cuda
