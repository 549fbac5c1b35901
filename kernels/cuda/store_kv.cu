#include <type_traits>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/kv_elements.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpSize;

// Rounds a row into a cache by one warp. With scales: the factor that brings the largest magnitude
// to kLargest, as StoreKvArgs has it.
template <typename T>
__device__ void StoreRow(const float* from, T* to, float* scale, int head_dim) {
  const int lane = threadIdx.x % kWarpSize;
  float factor = 1.0f;
  if constexpr (KvElement<T>::kHasScales) {
    float largest = 0.0f;
    float nan_if_bad = 0.0f;  // x - x is 0 for every finite x
    for (int d = lane; d < head_dim; d += kWarpSize) {
      largest = fmaxf(largest, fabsf(from[d]));
      nan_if_bad += from[d] - from[d];
    }
    largest = WarpMax(largest);
    const float check = WarpSum(nan_if_bad);
    const bool is_zero = check != 0.0f || !(largest >= 0x1p-119f);
    factor = is_zero ? 0.0f : KvElement<T>::kLargest / largest;
    if (lane == 0) *scale = is_zero ? check : largest / KvElement<T>::kLargest;
  }
  for (int d = lane; d < head_dim; d += kWarpSize) {
    // The factor 0 of a row that is not finite must not make NaN integers of it.
    to[d] = KvElement<T>::Rounded(factor == 0.0f ? 0.0f : from[d] * factor);
  }
}

// Block t takes token t; each warp a row, a key or value of one head, after the other.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    StoreKvKernel(const float* k,                    // [tokens, num_kv_heads * head_dim]
                  const float* v,                    // the same
                  const std::int32_t* slot_mapping,  // [tokens]
                  std::int64_t k_stride, std::int64_t v_stride, KvLayerView cache) {
  const std::int64_t slot = slot_mapping[blockIdx.x];
  for (int i = threadIdx.x / kWarpSize; i < 2 * cache.num_kv_heads; i += kWarps) {
    const int head = i / 2;
    const bool is_key = i % 2 == 0;
    const std::int64_t row =
        (slot / cache.block_size * cache.num_kv_heads + head) * cache.block_size +
        slot % cache.block_size;
    const float* from = is_key ? k + blockIdx.x * k_stride : v + blockIdx.x * v_stride;
    StoreRow(from + static_cast<std::int64_t>(head) * cache.head_dim,
             static_cast<T*>(is_key ? cache.k : cache.v) + row * cache.head_dim,
             (is_key ? cache.k_scales : cache.v_scales) + row, cache.head_dim);
  }
}

}  // namespace

void StoreKv(const StoreKvArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  if (args.k.rows == 0) return;
  WithKvType(args.cache.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(StoreKvKernel<T>, {static_cast<unsigned>(args.k.rows), kThreads}, cuda, Floats(args.k),
           Floats(args.v), args.slot_mapping, args.k.row_stride, args.v.row_stride, args.cache);
  });
}

}  // namespace quire::kernels::cuda
