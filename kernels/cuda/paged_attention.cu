#include <algorithm>
#include <type_traits>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/kv_elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/row_attention.cuh"
#include "kernels/cuda/tensor_attention.h"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {
namespace {

constexpr std::size_t kVectorBytes = 16;  // what cp.async copies at once

// Block (token, head): any type and head size, in f32.
template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    RowAttentionKernel(AttentionParams params,
                       const std::int32_t* sequences,  // [tokens]
                       const std::int32_t* positions)  // [tokens]
{
  const KvLayerView& cache = params.cache;
  const std::int64_t token = blockIdx.x;
  const int head = static_cast<int>(blockIdx.y);
  const std::int32_t* table =
      params.block_table + static_cast<std::int64_t>(sequences[token]) * params.max_blocks;
  const int position = positions[token];
  const int first = params.sliding_window > 0 ? max(0, position - params.sliding_window + 1) : 0;
  const auto row_in = [&](std::int64_t row, const void* elements, const float* scales) {
    return KvRow<T>{static_cast<const T*>(elements) + row * cache.head_dim,
                    KvElement<T>::kHasScales ? scales[row] : 1.0f};
  };
  const std::int64_t column = static_cast<std::int64_t>(head) * cache.head_dim;
  AttendRow(
      params.q + token * params.q_stride + column, params.out + token * params.out_stride + column,
      cache.head_dim, params.scale, params.soft_cap, first, position + 1,
      [&](int j) {
        return (static_cast<std::int64_t>(table[j / cache.block_size]) * cache.num_kv_heads +
                head / params.group) *
                   cache.block_size +
               j % cache.block_size;
      },
      [&](std::int64_t row) { return row_in(row, cache.k, cache.k_scales); },
      [&](std::int64_t row) { return row_in(row, cache.v, cache.v_scales); });
}

bool IsAligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kVectorBytes == 0; }

bool CanUseTensorCores(const KvLayerView& cache) {
  return cache.dtype != DType::kF32 && HasTensorAttention(cache.head_dim) && IsAligned(cache.k) &&
         IsAligned(cache.v);
}

void AttendTiles(const AttentionParams& params, const CudaAttentionPlan& plan,
                 const DevicePlan& arrays, CudaStream& stream) {
  DeviceWork work = {.tiles = arrays.tiles,
                     .splits = arrays.splits,
                     .num_tiles = plan.num_tiles(),
                     .num_splits = plan.num_splits(),
                     .num_partials = plan.num_partials(),
                     .num_counters = plan.num_counters()};
  if (!stream.attention().Reserve(params.cache.num_kv_heads, params.cache.head_dim, work, stream)) {
    return;
  }
  switch (params.cache.dtype) {
    case DType::kBF16:
      return AttendBF16(params, work, stream);
    case DType::kF16:
      return AttendF16(params, work, stream);
    case DType::kI8:
      return AttendI8(params, work, stream);
    case DType::kF8E4M3:
      return AttendF8(params, work, stream);
    default:
      return stream.Record(cudaErrorNotSupported);
  }
}

void AttendRows(const AttentionParams& params, const CudaAttentionPlan& plan,
                const DevicePlan& arrays, int num_heads, CudaStream& stream) {
  if (params.cache.head_dim > kMaxHeadDim) return stream.Record(cudaErrorInvalidValue);
  const dim3 grid(static_cast<unsigned>(plan.num_tokens()), static_cast<unsigned>(num_heads));
  WithKvType(params.cache.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(RowAttentionKernel<T>, {grid, kAttentionThreads}, stream, params, arrays.sequences,
           arrays.positions);
  });
}

}  // namespace

void PagedAttention(const PagedAttentionArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  const auto& plan = static_cast<const CudaAttentionPlan&>(*args.plan);
  if (plan.num_tokens() == 0) return;
  const DevicePlan arrays = cuda.attention().Upload(plan, cuda);
  if (arrays.block_table == nullptr) return;
  const AttentionParams params = {.q = Floats(args.q),
                                  .out = Floats(args.out),
                                  .q_stride = args.q.row_stride,
                                  .out_stride = args.out.row_stride,
                                  .block_table = arrays.block_table,
                                  .max_blocks = plan.table_stride(),
                                  .group = args.batch.num_heads / args.batch.num_kv_heads,
                                  .cache = args.cache,
                                  .scale = args.scale,
                                  .sliding_window = args.sliding_window,
                                  .soft_cap = args.soft_cap};
  if (CanUseTensorCores(args.cache)) {
    AttendTiles(params, plan, arrays, cuda);
  } else {
    AttendRows(params, plan, arrays, args.batch.num_heads, cuda);
  }
}

}  // namespace quire::kernels::cuda
