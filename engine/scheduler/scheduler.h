#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"
#include "engine/scheduler/batch.h"
#include "engine/scheduler/sequence.h"

namespace quire::engine {

struct SchedulerLimits {
  std::int32_t max_batch_tokens = 512;  // computed per step
  std::int32_t max_sequences = 32;      // running at once
  bool prefix_cache = true;             // blocks of equal prefixes are computed once
  // Tokens that the model sees, the newest included; blocks before them are given back. 0: all.
  std::int32_t window = 0;
};

// Picks the tokens of the next step: every decoding sequence advances, what is left of the token
// budget goes to prompts in pieces, and waiting sequences are admitted in the order they came, as
// soon as there are blocks for all their tokens. When a decoding sequence finds no free block, the
// youngest running one is preempted: its blocks are freed and it is computed again later, its
// output so far included. Knows nothing of models and sampling.
//
// A sequence that is admitted begins with the blocks of its prefix that earlier ones computed, as
// far as they are still there; its last token is always computed, and so are all tokens of a
// request for their log-probs. Only full blocks are shared, and those are never written again.
//
// Progress: the oldest running sequence is never preempted for another, so it finishes as long as
// the cache holds one whole context.
//
// Engine thread only. The allocator must outlive it.
class Scheduler {
 public:
  // Both limits must be positive. At most max_batch_tokens sequences run at once, so that each
  // gets a token in every step.
  Scheduler(const SchedulerLimits& limits, BlockAllocator& allocator);

  // Appends to the waiting queue. `sequence` must stay until it is removed. Returns
  // RESOURCE_EXHAUSTED if its tokens would not fit the whole cache.
  Status Add(Sequence& sequence);

  // Frees the blocks of a sequence, running or waiting, and forgets it.
  void Remove(Sequence& sequence);

  // The next step; empty only if no sequence is waiting or running. The caller computes it, then
  // calls Commit, then appends the sampled tokens, all before the next Schedule.
  const Batch& Schedule();

  // Notes that the last batch was computed.
  void Commit();

  std::int32_t num_running() const { return static_cast<std::int32_t>(running_.size()); }
  std::int32_t num_waiting() const { return static_cast<std::int32_t>(waiting_.size()); }
  std::int64_t num_preemptions() const { return num_preemptions_; }
  bool is_idle() const { return running_.empty() && waiting_.empty(); }

 private:
  void ScheduleDecodes();
  void SchedulePrefills();
  void Admit();
  // Names the full blocks among the first `num_tokens` tokens.
  void ExtendKeys(Sequence& sequence, std::int32_t num_tokens) const;
  void AdoptPrefix(Sequence& sequence);
  // Lets others find the blocks that are full now.
  void PublishBlocks(Sequence& sequence);
  void GiveBack(Sequence& sequence);
  // Makes room for one more token of `sequence`, at the cost of younger ones. False if it had to
  // give way itself.
  bool MakeRoom(Sequence& sequence);
  void PreemptYoungest();
  void Schedule(Sequence& sequence, std::int32_t num_tokens);

  const SchedulerLimits limits_;
  BlockAllocator& allocator_;
  std::vector<Sequence*> running_;  // in the order of admission
  std::deque<Sequence*> waiting_;   // first come first, preempted ones in front
  Batch batch_;
  std::int32_t budget_ = 0;  // tokens left of the step being built
  std::int64_t num_preemptions_ = 0;
};

}  // namespace quire::engine
