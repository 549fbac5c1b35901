#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/kv/block_table.h"
#include "engine/sampling/logits_processor.h"
#include "engine/sampling/prompt_lookup.h"
#include "engine/scheduler/request.h"

namespace quire::engine {

struct ShareGroup;

enum class SequenceState { kWaiting, kRunning, kFinished };

// The mutable execution state of one output of a request. The scheduler owns all from `state` to
// `prefix_miss`; the rest belongs to whoever runs the batch.
//
// Engine thread only.
struct Sequence {
  Request request;         // as submitted
  std::uint64_t seed = 0;  // of its random numbers
  // Prompt, then output. After a preemption all of them are computed again, so that the output so
  // far is prompt to the model.
  std::vector<TokenId> tokens;
  std::optional<PromptLookup> prompt_lookup;  // where the request wants guesses
  // Guesses for the tokens that follow; the step computes them too and keeps those that are right.
  std::vector<TokenId> draft;
  SequenceState state = SequenceState::kWaiting;
  bool is_paused = false;             // keeps its place, but is in no batch
  std::uint64_t arrival = 0;          // number in the order of Add
  ShareGroup* share_group = nullptr;  // of the FairQueue
  std::int32_t num_preemptions = 0;
  std::int32_t num_charged = 0;   // tokens that its client has paid for
  std::int32_t num_computed = 0;  // tokens whose keys and values are in the cache
  BlockTable blocks;
  std::vector<BlockKey> block_keys;  // of the full blocks, as far as they were asked for
  std::size_t num_published = 0;     // blocks that others can find
  std::int32_t num_cached = 0;       // prompt tokens found computed at admission
  PrefixMissReason prefix_miss;      // why they are not more
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
  if (request.max_draft_tokens > 0) sequence.prompt_lookup.emplace(request.max_draft_tokens);
  sequence.request = std::move(request);
  sequence.seed = seed;
  return sequence;
}

}  // namespace quire::engine
