#include "kernels/cuda/attention_plan.h"

#include <algorithm>

#include "kernels/cuda/operations.h"

namespace quire::kernels::cuda {

CudaAttentionPlan::CudaAttentionPlan(const AttentionBatch& batch)
    : num_tokens_(batch.query.data[batch.query.num_sequences]) {
  const std::int64_t table_size = std::int64_t{batch.query.num_sequences} * batch.max_blocks;
  const std::int64_t size = table_size + std::int64_t{2} * num_tokens_;
  void* memory = nullptr;
  if (cudaHostAlloc(&memory, static_cast<std::size_t>(size) * sizeof(std::int32_t),
                    cudaHostAllocPortable | cudaHostAllocMapped) != cudaSuccess) {
    return;
  }
  memory_.reset(static_cast<std::int32_t*>(memory));
  std::copy_n(batch.block_table, table_size, memory_.get());
  sequences_ = memory_.get() + table_size;
  positions_ = sequences_ + num_tokens_;
  for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
    const std::int32_t end = batch.query.data[s + 1];
    for (std::int32_t t = batch.query.data[s]; t < end; ++t) {
      sequences_[t] = s;
      positions_[t] = batch.kv_lens[s] - (end - t);
    }
  }
}

std::unique_ptr<AttentionPlan> PlanPagedAttention(const AttentionBatch& batch) {
  return std::make_unique<CudaAttentionPlan>(batch);
}

}  // namespace quire::kernels::cuda
