#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/forward_batch.h"
#include "engine/scheduler/sequence.h"

namespace quire::engine {

// A stretch of one sequence's tokens that a step computes: [num_computed, num_computed +
// num_tokens). The last `num_draft` of them are the sequence's draft.
struct BatchEntry {
  Sequence* sequence = nullptr;
  std::int32_t num_tokens = 0;
  std::int32_t num_draft = 0;

  // True if the step reaches the sequence's last token, so that the next one can be sampled.
  bool completes() const { return num_tokens - num_draft == sequence->num_uncomputed(); }
};

// What one step computes: at most one entry per sequence.
struct Batch {
  std::vector<BatchEntry> entries;

  std::int32_t num_tokens() const;
};

// Lays the batch out for the model, into memory that `forward` already has. Requires: every
// sequence has blocks for the tokens of its entry.
void FillForwardBatch(const Batch& batch, std::int32_t block_size, ForwardBatch& forward);

}  // namespace quire::engine
