#include "kernels/cuda/attention_plan.h"

#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <span>

#include "kernels/cuda/attention_work.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/operations.h"
#include "kernels/cuda/tensor_attention.h"

namespace quire::kernels::cuda {
namespace {

std::uint64_t NextId() {
  static std::atomic<std::uint64_t> next = 1;
  return next++;
}

// Tokens of the largest batch that is worth recording: above it launches cost little beside work.
constexpr std::int32_t kMostRecordedTokens = 256;

// At most a quarter more, with four steps for each doubling.
std::int32_t RoundUp(std::int32_t size) {
  if (size <= 8) return size;
  const std::int32_t step = 1 << (std::bit_width(static_cast<std::uint32_t>(size - 1)) - 3);
  return (size + step - 1) / step * step;
}

template <typename T>
void Copy(std::span<const T> from, std::byte* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size_bytes());
}

}  // namespace

CudaAttentionPlan::CudaAttentionPlan(const AttentionBatch& batch)
    : id_(NextId()),
      num_tokens_(batch.query.data[batch.query.num_sequences]),
      num_sequences_(batch.query.num_sequences),
      table_stride_(batch.max_blocks) {
  AttentionWork work;
  if (HasTensorAttention(batch.head_dim)) {
    work = MakeAttentionWork(batch, TensorAttentionRows(batch.head_dim));
  }
  num_tiles_ = static_cast<std::int32_t>(work.tiles.size());
  if (is_recordable()) {
    work.splits.resize(
        static_cast<std::size_t>(RoundUp(static_cast<std::int32_t>(work.splits.size()))));
    work.num_partials = RoundUp(work.num_partials);
    work.num_counters = RoundUp(work.num_counters);
    table_stride_ = RoundUp(table_stride_);
  }
  num_splits_ = static_cast<std::int32_t>(work.splits.size());
  num_partials_ = work.num_partials;
  num_counters_ = work.num_counters;
  splits_ = std::span(work.tiles).size_bytes();
  table_ = splits_ + std::span(work.splits).size_bytes();
  sequences_ = table_ + static_cast<std::size_t>(num_sequences_) *
                            static_cast<std::size_t>(table_stride_) * sizeof(std::int32_t);
  positions_ = sequences_ + TokenBytes();
  std::byte* const memory = memory_.emplace(size_bytes()).data();
  if (memory == nullptr) return;
  Copy(std::span<const RowTile>(work.tiles), memory);
  Copy(std::span<const SplitTile>(work.splits), memory + splits_);
  CopyTable(batch);
  PlaceTokens(batch);
}

bool CudaAttentionPlan::is_recordable() const {
  return num_tiles_ == 0 && num_tokens_ <= kMostRecordedTokens;
}

std::optional<AttentionKey> CudaAttentionPlan::key() const {
  if (!is_recordable()) return std::nullopt;
  return AttentionKey{
      {num_tokens_, num_sequences_, table_stride_, num_splits_, num_partials_, num_counters_}};
}

void CudaAttentionPlan::CopyTable(const AttentionBatch& batch) {
  const auto max_blocks = static_cast<std::size_t>(batch.max_blocks);
  const auto stride_bytes = static_cast<std::size_t>(table_stride_) * sizeof(std::int32_t);
  for (std::size_t s = 0; s < static_cast<std::size_t>(num_sequences_); ++s) {
    Copy(std::span(batch.block_table + s * max_blocks, max_blocks),
         memory_->data() + table_ + s * stride_bytes);
  }
}

void CudaAttentionPlan::PlaceTokens(const AttentionBatch& batch) {
  auto* const sequences = reinterpret_cast<std::int32_t*>(memory_->data() + sequences_);
  auto* const positions = reinterpret_cast<std::int32_t*>(memory_->data() + positions_);
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

std::unique_ptr<AttentionPlan> PlanPagedAttention(const AttentionBatch& batch, Stream& stream) {
  auto plan = std::make_unique<CudaAttentionPlan>(batch);
  auto& cuda = CudaStream::Bind(stream);
  // Layers find it there.
  if (plan->num_tokens() > 0) cuda.attention().Upload(*plan, cuda);
  return plan;
}

}  // namespace quire::kernels::cuda
