#pragma once

#include <cstdint>
#include <vector>

namespace quire::engine {

// The tokens of one decoder step, packed sequence after sequence. Host memory; reused from step to
// step, so that a step allocates nothing once it has seen its largest batch.
struct ForwardBatch {
  std::vector<std::int32_t> ids;           // [tokens]
  std::vector<std::int32_t> positions;     // [tokens]
  std::vector<std::int32_t> slot_mapping;  // [tokens]
  std::vector<std::int32_t> cu_seqlens;    // [num_sequences + 1], of the new tokens
  std::vector<std::int32_t> kv_lens;       // [num_sequences], new tokens included
  std::vector<std::int32_t> block_table;   // [num_sequences, max_blocks]
  std::int32_t max_blocks = 0;

  std::int32_t num_tokens() const { return static_cast<std::int32_t>(ids.size()); }
  std::int32_t num_sequences() const { return static_cast<std::int32_t>(kv_lens.size()); }
};

}  // namespace quire::engine
