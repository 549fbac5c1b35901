#include "kernels/cuda/attention_memory.h"

#include <algorithm>

#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/tensor_attention.h"

namespace quire::kernels::cuda {

void* GrowingMemory::Get(std::size_t bytes, CudaStream& stream) {
  if (bytes <= size_bytes_ && data_ != nullptr) return data_;
  if (!stream.StartReplacingMemory()) return nullptr;
  stream.Record(cudaStreamSynchronize(stream.handle()));  // kernels may still use it
  cudaFree(data_);
  data_ = nullptr;
  // In steps of half, so that a context that grows token by token does not allocate every time.
  size_bytes_ = std::max(bytes, size_bytes_ + size_bytes_ / 2);
  const cudaError_t error = cudaMalloc(&data_, size_bytes_);
  if (error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
    data_ = nullptr;
    size_bytes_ = 0;
    stream.Record(error);
    return nullptr;
  }
  stream.Record(cudaMemsetAsync(data_, 0, size_bytes_, stream.handle()));
  return data_;
}

DevicePlan AttentionMemory::Upload(const CudaAttentionPlan& plan, CudaStream& stream) {
  if (plan.memory() == nullptr) {
    stream.Record(cudaErrorMemoryAllocation);
    return {};
  }
  auto* const copy = static_cast<std::byte*>(plan_.Get(plan.size_bytes(), stream));
  if (copy == nullptr) return {};
  if (uploaded_ != plan.id()) {
    stream.Record(cudaMemcpyAsync(copy, plan.memory(), plan.size_bytes(), cudaMemcpyHostToDevice,
                                  stream.handle()));
    uploaded_ = plan.id();
  }
  return plan.In(copy);
}

bool AttentionMemory::Reserve(std::int32_t num_kv_heads, std::int32_t head_dim, DeviceWork& work,
                              CudaStream& stream) {
  if (work.num_partials == 0) return true;
  const auto rows = static_cast<std::size_t>(num_kv_heads) *
                    static_cast<std::size_t>(work.num_partials) * kRowsPerWarp;
  const std::size_t o_bytes = rows * static_cast<std::size_t>(head_dim) * sizeof(float);
  auto* const partials =
      static_cast<std::byte*>(partials_.Get(o_bytes + rows * sizeof(float2), stream));
  auto* const counters = static_cast<unsigned*>(
      counters_.Get(static_cast<std::size_t>(num_kv_heads) *
                        static_cast<std::size_t>(work.num_counters) * sizeof(unsigned),
                    stream));
  if (partials == nullptr || counters == nullptr) return false;
  work.partial_o = reinterpret_cast<float*>(partials);
  work.partial_m_and_l = reinterpret_cast<float2*>(partials + o_bytes);
  work.counters = counters;
  return true;
}

}  // namespace quire::kernels::cuda
