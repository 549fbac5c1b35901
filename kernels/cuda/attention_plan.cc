#include "kernels/cuda/attention_plan.h"

#include <atomic>
#include <cstring>
#include <span>

#include "kernels/cuda/attention_work.h"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/tensor_attention.h"

namespace quire::kernels::cuda {
namespace {

std::uint64_t NextId() {
  static std::atomic<std::uint64_t> next = 1;
  return next++;
}

template <typename T>
void Copy(std::span<const T> from, std::byte* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size_bytes());
}

}  // namespace

CudaAttentionPlan::CudaAttentionPlan(const AttentionBatch& batch)
    : id_(NextId()), num_tokens_(batch.query.data[batch.query.num_sequences]) {
  AttentionWork work;
  if (HasTensorAttention(batch.head_dim)) {
    work = MakeAttentionWork(batch, TensorAttentionRows(batch.head_dim));
  }
  num_tiles_ = static_cast<std::int32_t>(work.tiles.size());
  num_splits_ = static_cast<std::int32_t>(work.splits.size());
  num_partials_ = work.num_partials;
  num_counters_ = work.num_counters;
  const std::span table(batch.block_table, static_cast<std::size_t>(batch.query.num_sequences) *
                                               static_cast<std::size_t>(batch.max_blocks));
  splits_ = std::span(work.tiles).size_bytes();
  table_ = splits_ + std::span(work.splits).size_bytes();
  sequences_ = table_ + table.size_bytes();
  positions_ = sequences_ + TokenBytes();
  void* memory = nullptr;
  if (cudaHostAlloc(&memory, size_bytes(), cudaHostAllocPortable) != cudaSuccess) return;
  memory_.reset(static_cast<std::byte*>(memory));
  Copy(std::span<const RowTile>(work.tiles), memory_.get());
  Copy(std::span<const SplitTile>(work.splits), memory_.get() + splits_);
  Copy(table, memory_.get() + table_);
  PlaceTokens(batch);
}

void CudaAttentionPlan::PlaceTokens(const AttentionBatch& batch) {
  auto* const sequences = reinterpret_cast<std::int32_t*>(memory_.get() + sequences_);
  auto* const positions = reinterpret_cast<std::int32_t*>(memory_.get() + positions_);
  for (std::int32_t s = 0; s < batch.query.num_sequences; ++s) {
    const std::int32_t end = batch.query.data[s + 1];
    for (std::int32_t t = batch.query.data[s]; t < end; ++t) {
      sequences[t] = s;
      positions[t] = batch.kv_lens[s] - (end - t);
    }
  }
}

DevicePlan CudaAttentionPlan::In(const std::byte* copy) const {
  const auto indices = [&](std::size_t begin) {
    return reinterpret_cast<const std::int32_t*>(copy + begin);
  };
  return {.tiles = reinterpret_cast<const RowTile*>(copy),
          .splits = reinterpret_cast<const SplitTile*>(copy + splits_),
          .block_table = indices(table_),
          .sequences = indices(sequences_),
          .positions = indices(positions_)};
}

std::unique_ptr<AttentionPlan> PlanPagedAttention(const AttentionBatch& batch) {
  return std::make_unique<CudaAttentionPlan>(batch);
}

}  // namespace quire::kernels::cuda
