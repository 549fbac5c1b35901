#include <type_traits>

#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/rope.cuh"
#include "kernels/cuda/store_row.cuh"
#include "kernels/rotate_and_store.h"

namespace quire::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpSize;

struct RotateParams {
  float* q;                        // [tokens, num_heads * head_dim]
  const float* k;                  // [tokens, num_kv_heads * head_dim]
  const float* v;                  // the same
  const std::int32_t* positions;   // [tokens]
  const float* inverse_frequency;  // [half]
  const std::int32_t* slots;       // [tokens]
  std::int64_t q_stride;
  std::int64_t k_stride;
  std::int64_t v_stride;
  int num_heads;
  int half;
  float factor;
  KvLayerView cache;
};

// Turns a head of q in place, by one warp.
__device__ void TurnHead(float* head, const Angle* angles, int half) {
  for (int i = threadIdx.x % kWarpSize; i < half; i += kWarpSize) {
    const float first = head[i];
    const float second = head[half + i];
    head[i] = TurnedFirst(first, second, angles[i]);
    head[half + i] = TurnedSecond(first, second, angles[i]);
  }
}

// Block t takes token t: all threads its angles, then each warp a head of q, k or v after the
// other.
template <typename T>
__global__ void __launch_bounds__(kThreads) RotateAndStoreKernel(RotateParams params) {
  auto* const angles = reinterpret_cast<Angle*>(DynamicSharedMemory());  // [half]
  const KvLayerView& cache = params.cache;
  const std::int64_t token = blockIdx.x;
  for (int i = threadIdx.x; i < params.half; i += kThreads) {
    angles[i] = RopeAngle(params.positions[token], params.inverse_frequency[i], params.factor);
  }
  __syncthreads();
  const std::int64_t slot = params.slots[token];
  const int half = params.half;
  for (int i = threadIdx.x / kWarpSize; i < params.num_heads + 2 * cache.num_kv_heads;
       i += kWarps) {
    if (i < params.num_heads) {
      TurnHead(params.q + token * params.q_stride + static_cast<std::int64_t>(i) * cache.head_dim,
               angles, half);
      continue;
    }
    const bool is_key = i < params.num_heads + cache.num_kv_heads;
    const int head = i - params.num_heads - (is_key ? 0 : cache.num_kv_heads);
    const float* const from =
        (is_key ? params.k + token * params.k_stride : params.v + token * params.v_stride) +
        static_cast<std::int64_t>(head) * cache.head_dim;
    const std::int64_t row = RowOfSlot(cache, slot, head);
    const auto value = [&](int d) {
      if (!is_key || d >= 2 * half) return from[d];
      return d < half ? TurnedFirst(from[d], from[d + half], angles[d])
                      : TurnedSecond(from[d - half], from[d], angles[d - half]);
    };
    StoreRow(value, static_cast<T*>(is_key ? cache.k : cache.v) + row * cache.head_dim,
             (is_key ? cache.k_scales : cache.v_scales) + row, cache.head_dim);
  }
}

}  // namespace

void RotateAndStore(const RotateAndStoreArgs& args, Stream& stream) {
  auto& cuda = CudaStream::Bind(stream);
  const RopeArgs& rope = args.rope;
  const StoreKvArgs& store = args.store;
  if (rope.x.rows == 0) return;
  const RotateParams params = {
      .q = Floats(rope.x),
      .k = Floats(store.k),
      .v = Floats(store.v),
      .positions = rope.positions,
      .inverse_frequency = rope.inverse_frequency,
      .slots = store.slot_mapping,
      .q_stride = rope.x.row_stride,
      .k_stride = store.k.row_stride,
      .v_stride = store.v.row_stride,
      .num_heads = rope.rotary_dim == 0 ? 0 : static_cast<int>(rope.x.cols / rope.head_dim),
      .half = rope.rotary_dim / 2,
      .factor = rope.attention_factor,
      .cache = store.cache};
  WithKvType(store.cache.dtype, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    Launch(RotateAndStoreKernel<T>,
           {static_cast<unsigned>(rope.x.rows), kThreads,
            static_cast<std::size_t>(params.half) * sizeof(Angle)},
           cuda, params);
  });
}

}  // namespace quire::kernels::cuda
