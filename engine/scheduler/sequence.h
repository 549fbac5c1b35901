#pragma once

#include <cstdint>
#include <vector>

#include "engine/kv/block_table.h"
#include "engine/sampling/logits_processor.h"
#include "engine/scheduler/request.h"

namespace quire::engine {

enum class SequenceState { kWaiting, kRunning, kFinished };

// The mutable execution state of one request. The scheduler owns `state` and all
// from `num_computed` to `num_cached`; the rest belongs to whoever runs the batch.
//
// Engine thread only.
struct Sequence {
  Request request;         // as submitted
  std::uint64_t seed = 0;  // of its random numbers
  // Prompt, then output. After a preemption all of them are computed again, so that the output so
  // far is prompt to the model.
  std::vector<TokenId> tokens;
  SequenceState state = SequenceState::kWaiting;
  std::int32_t num_computed = 0;  // tokens whose keys and values are in the cache
  BlockTable blocks;
  std::vector<BlockKey> block_keys;  // of the full blocks, as far as they were asked for
  std::size_t num_published = 0;     // blocks that others can find
  std::int32_t num_cached = 0;       // prompt tokens found computed at admission
  std::int32_t num_scored = 1;       // prompt tokens whose log-probs are known; the first has none
  SamplingState sampling;            // after the tokens so far

  std::int32_t num_tokens() const { return static_cast<std::int32_t>(tokens.size()); }
  std::int32_t num_prompt_tokens() const {
    return static_cast<std::int32_t>(request.prompt.size());
  }
  std::int32_t num_output_tokens() const { return num_tokens() - num_prompt_tokens(); }
  std::int32_t num_uncomputed() const { return num_tokens() - num_computed; }
};

// A sequence that is ready to be scheduled: its tokens are the prompt.
inline Sequence MakeSequence(Request request, std::uint64_t seed) {
  Sequence sequence;
  sequence.tokens = request.prompt;
  sequence.request = std::move(request);
  sequence.seed = seed;
  return sequence;
}

}  // namespace quire::engine
