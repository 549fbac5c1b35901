#include "engine/scheduler/batch.h"

#include <algorithm>

namespace quire::engine {
namespace {

void AppendTokens(const BatchEntry& entry, std::int32_t block_size, ForwardBatch& forward) {
  const Sequence& sequence = *entry.sequence;
  for (std::int32_t i = 0; i < entry.num_tokens; ++i) {
    const std::int32_t position = sequence.num_computed + i;
    const auto index = static_cast<std::size_t>(position);
    const bool is_draft = index >= sequence.tokens.size();
    forward.ids.push_back(is_draft ? sequence.draft[index - sequence.tokens.size()]
                                   : sequence.tokens[index]);
    forward.positions.push_back(position);
    forward.slot_mapping.push_back(sequence.blocks.Slot(position, block_size));
  }
  forward.cu_seqlens.push_back(forward.num_tokens());
  forward.kv_lens.push_back(sequence.num_computed + entry.num_tokens);
}

void AppendBlocks(const Sequence& sequence, std::size_t max_blocks, ForwardBatch& forward) {
  const std::size_t row_end = forward.block_table.size() + max_blocks;
  for (const BlockId block : sequence.blocks.blocks()) {
    forward.block_table.push_back(static_cast<std::int32_t>(block));
  }
  forward.block_table.resize(row_end, 0);
}

}  // namespace

std::int32_t Batch::num_tokens() const {
  std::int32_t total = 0;
  for (const BatchEntry& entry : entries) total += entry.num_tokens;
  return total;
}

void FillForwardBatch(const Batch& batch, std::int32_t block_size, ForwardBatch& forward) {
  forward.ids.clear();
  forward.positions.clear();
  forward.slot_mapping.clear();
  forward.cu_seqlens.assign(1, 0);
  forward.kv_lens.clear();
  forward.block_table.clear();
  std::size_t max_blocks = 0;
  for (const BatchEntry& entry : batch.entries) {
    max_blocks = std::max(max_blocks, entry.sequence->blocks.blocks().size());
  }
  forward.max_blocks = static_cast<std::int32_t>(max_blocks);
  for (const BatchEntry& entry : batch.entries) {
    AppendTokens(entry, block_size, forward);
    AppendBlocks(*entry.sequence, max_blocks, forward);
  }
}

}  // namespace quire::engine
