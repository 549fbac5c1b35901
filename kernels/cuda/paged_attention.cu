#include <type_traits>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/row_attention.cuh"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kStoreThreads = 128;

// Where row `offset` of a block lies in a cache, in elements.
__device__ std::int64_t CacheRow(const KvLayerView& cache, std::int64_t block, std::int64_t head,
                                 std::int64_t offset) {
  return ((block * cache.num_kv_heads + head) * cache.block_size + offset) * cache.head_dim;
}

// One block per token; threads stride over the elements of all heads.
template <typename T>
__global__ void __launch_bounds__(kStoreThreads)
    StoreKvKernel(const float* k,                    // [tokens, num_kv_heads * head_dim]
                  const float* v,                    // the same
                  const std::int32_t* slot_mapping,  // [tokens]
                  std::int64_t k_stride, std::int64_t v_stride, KvLayerView cache) {
  const std::int64_t slot = slot_mapping[blockIdx.x];
  const int width = cache.num_kv_heads * cache.head_dim;
  for (int i = threadIdx.x; i < width; i += kStoreThreads) {
    const std::int64_t to =
        CacheRow(cache, slot / cache.block_size, i / cache.head_dim, slot % cache.block_size) +
        i % cache.head_dim;
    static_cast<T*>(cache.k)[to] = FromFloat<T>(k[blockIdx.x * k_stride + i]);
    static_cast<T*>(cache.v)[to] = FromFloat<T>(v[blockIdx.x * v_stride + i]);
  }
}

// One block per (head, token).
template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    PagedAttentionKernel(const float* q,                   // [tokens, num_heads * head_dim]
                         float* out,                       // the same
                         const std::int32_t* block_table,  // [sequences, max_blocks]
                         const std::int32_t* sequences,    // [tokens]
                         const std::int32_t* positions,    // [tokens]
                         std::int64_t q_stride, std::int64_t out_stride, int max_blocks, int group,
                         KvLayerView cache, float scale, int sliding_window, float soft_cap) {
  const std::int64_t head = blockIdx.x;
  const std::int64_t token = blockIdx.y;
  const std::int32_t* table =
      block_table + static_cast<std::int64_t>(sequences[token]) * max_blocks;
  const int position = positions[token];
  const int first = sliding_window > 0 ? max(0, position - sliding_window + 1) : 0;
  const auto row = [&](int j) {
    return CacheRow(cache, table[j / cache.block_size], head / group, j % cache.block_size);
  };
  AttendRow(
      q + token * q_stride + head * cache.head_dim,
      out + token * out_stride + head * cache.head_dim, cache.head_dim, scale, soft_cap, first,
      position + 1,
      [&](int j) {
        return KvRow<T>{static_cast<const T*>(cache.k) + row(j), 1.0f};
      },
      [&](int j) {
        return KvRow<T>{static_cast<const T*>(cache.v) + row(j), 1.0f};
      });
}

}  // namespace

void StoreKv(const StoreKvArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.k.rows == 0) return;
  WithElementType(args.cache.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(StoreKvKernel<T>, {static_cast<unsigned>(args.k.rows), kStoreThreads}, cuda,
           Floats(args.k), Floats(args.v), args.slot_mapping, args.k.row_stride, args.v.row_stride,
           args.cache);
  });
}

void PagedAttention(const PagedAttentionArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  const auto& plan = static_cast<const CudaAttentionPlan&>(*args.plan);
  if (plan.num_tokens() == 0) return;
  if (plan.block_table() == nullptr) return cuda.Record(cudaErrorMemoryAllocation);
  if (args.batch.head_dim > kMaxHeadDim) return cuda.Record(cudaErrorInvalidValue);
  const dim3 grid(static_cast<unsigned>(args.batch.num_heads),
                  static_cast<unsigned>(plan.num_tokens()));
  WithElementType(args.cache.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(PagedAttentionKernel<T>, {grid, kAttentionThreads}, cuda, Floats(args.q),
           Floats(args.out), plan.block_table(), plan.sequences(), plan.positions(),
           args.q.row_stride, args.out.row_stride, args.batch.max_blocks,
           args.batch.num_heads / args.batch.num_kv_heads, args.cache, args.scale,
           args.sliding_window, args.soft_cap);
  });
}

}  // namespace quire::kernels::cuda
