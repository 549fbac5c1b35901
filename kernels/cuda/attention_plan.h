#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/cuda/attention_rows.h"
#include "kernels/cuda/staging_memory.h"
#include "kernels/paged_attention.h"

namespace quire::kernels::cuda {

// The arrays of a plan in the memory of a device. All null if there was none.
struct DevicePlan {
  const RowTile* tiles = nullptr;
  const SplitTile* splits = nullptr;
  const std::int32_t* block_table = nullptr;  // [sequences, table_stride]
  const std::int32_t* sequences = nullptr;    // [tokens] of each token
  const std::int32_t* positions = nullptr;    // [tokens]
};

// The work list of a batch and its index arrays, one after the other in pinned memory, of which the
// device gets a copy once per step. In decoding, sizes are rounded up and the list is filled with
// splits of no rows, so that most steps are the same launches as the one before.
class CudaAttentionPlan final : public AttentionPlan {
 public:
  explicit CudaAttentionPlan(const AttentionBatch& batch);

  // Of batches that are split over warps alone and not large: decoding.
  std::optional<AttentionKey> key() const override;

  // Differs from that of every other plan of the process.
  std::uint64_t id() const { return id_; }
  std::int32_t num_tokens() const { return num_tokens_; }
  std::int32_t num_tiles() const { return num_tiles_; }
  std::int32_t num_splits() const { return num_splits_; }
  std::int32_t num_partials() const { return num_partials_; }
  std::int32_t num_counters() const { return num_counters_; }
  // Row length of the block table.
  std::int32_t table_stride() const { return table_stride_; }

  // Null if there was no memory.
  const std::byte* memory() const { return memory_->data(); }
  std::size_t size_bytes() const { return positions_ + TokenBytes(); }
  // The arrays in a copy of `memory()` that begins at `copy`.
  DevicePlan In(const std::byte* copy) const;

 private:
  std::size_t TokenBytes() const {
    return static_cast<std::size_t>(num_tokens_) * sizeof(std::int32_t);
  }
  bool is_recordable() const;
  void CopyTable(const AttentionBatch& batch);
  // Fills sequences and positions.
  void PlaceTokens(const AttentionBatch& batch);

  const std::uint64_t id_;
  std::optional<StagingMemory> memory_;  // set by the constructor
  std::int32_t num_tokens_ = 0;
  std::int32_t num_sequences_ = 0;
  std::int32_t table_stride_ = 0;
  std::int32_t num_tiles_ = 0;
  std::int32_t num_splits_ = 0;
  std::int32_t num_partials_ = 0;
  std::int32_t num_counters_ = 0;
  // Where arrays begin; tiles begin at 0.
  std::size_t splits_ = 0;
  std::size_t table_ = 0;
  std::size_t sequences_ = 0;
  std::size_t positions_ = 0;
};

}  // namespace quire::kernels::cuda
