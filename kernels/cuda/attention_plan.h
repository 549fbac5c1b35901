#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>

#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {

// The index arrays of a batch in pinned memory that every device can read: the plan is made without
// knowing the device. What the layers of a step read of it is small.
class CudaAttentionPlan final : public AttentionPlan {
 public:
  explicit CudaAttentionPlan(const AttentionBatch& batch);

  // Null if there was no memory.
  const std::int32_t* block_table() const { return memory_.get(); }  // [sequences, max_blocks]
  const std::int32_t* sequences() const { return sequences_; }       // [tokens] of each token
  const std::int32_t* positions() const { return positions_; }       // [tokens]
  std::int32_t num_tokens() const { return num_tokens_; }

 private:
  struct Free {
    void operator()(std::int32_t* p) const { cudaFreeHost(p); }
  };
  std::unique_ptr<std::int32_t[], Free> memory_;
  std::int32_t* sequences_ = nullptr;
  std::int32_t* positions_ = nullptr;
  std::int32_t num_tokens_ = 0;
};

}  // namespace quire::kernels::cuda
