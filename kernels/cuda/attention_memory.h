#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/attention_plan.h"

namespace quire::kernels::cuda {

class CudaStream;
struct DeviceWork;

// Device memory that grows and never shrinks.
class GrowingMemory {
 public:
  GrowingMemory() = default;
  ~GrowingMemory() { cudaFree(data_); }
  GrowingMemory(const GrowingMemory&) = delete;
  GrowingMemory& operator=(const GrowingMemory&) = delete;

  // At least `bytes`; what was there is lost if they are more than ever, and then all is zero.
  // Null if there was no memory, which the stream records.
  void* Get(std::size_t bytes, CudaStream& stream);

 private:
  void* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// What attention keeps in device memory for one stream: the plan of the step, and what the splits
// of a row leave for the one that joins them.
class AttentionMemory {
 public:
  // The arrays of `plan` on the device, copied unless it was the last one. Null if there was no
  // memory, which the stream records.
  DevicePlan Upload(const CudaAttentionPlan& plan, CudaStream& stream);
  // Gives `work` its partial sums and counters. Returns false if there was no memory, which the
  // stream records.
  bool Reserve(std::int32_t num_kv_heads, std::int32_t head_dim, DeviceWork& work,
               CudaStream& stream);

 private:
  std::uint64_t uploaded_ = 0;  // id of the plan
  GrowingMemory plan_;
  GrowingMemory partials_;
  GrowingMemory counters_;
};

}  // namespace quire::kernels::cuda
