#include <type_traits>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/store_row.cuh"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpSize;

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
    const std::int64_t row = RowOfSlot(cache, slot, head);
    const float* const from = (is_key ? k + blockIdx.x * k_stride : v + blockIdx.x * v_stride) +
                              static_cast<std::int64_t>(head) * cache.head_dim;
    StoreRow([&](int d) { return from[d]; },
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
