#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"
#include "engine/kv/block_tier.h"
#include "engine/kv/prefix_match.h"
#include "engine/scheduler/batch.h"
#include "engine/scheduler/fair_queue.h"
#include "engine/scheduler/prefix_sharing.h"
#include "engine/scheduler/sequence.h"
#include "engine/scheduler/step_budget.h"

namespace quire::engine {

struct SchedulerLimits {
  std::int32_t max_batch_tokens = 512;   // computed per step
  std::int32_t max_sequences = 32;       // running at once
  bool prefix_cache = true;              // blocks of equal prefixes are computed once
  std::int32_t attention_crossover = 0;  // see StepBudget
  // Tokens that the model sees, the newest included; blocks before them are given back. 0: all.
  std::int32_t window = 0;
};

// Picks the tokens of the next step. Every decoding sequence advances; what is left of the budget
// goes to prompts in pieces, the shortest first, so that a short one overtakes a long one, while
// the one that came first always gets a piece. Waiting sequences are admitted in the order of
// FairQueue, as soon as there are blocks for all their tokens; none is overtaken for being large.
// Knows nothing of models and sampling.
//
// When a decoding sequence finds no free block, the most junior running one is preempted: its
// blocks are freed and it is computed again later, its output so far included. Junior are paused
// sequences, then those of low priority, then those that came last; after a few preemptions a
// sequence is senior to all that were spared so far.
//
// A sequence that is admitted begins with the blocks of its prefix that earlier ones computed, as
// far as they are still there; while another one is computing the next of them, it waits instead of
// computing it again. Its last token is always computed, and so are all tokens of a request for
// their log-probs. Only full blocks are shared, and those are never written again.
//
// Progress: the most senior sequence is never preempted for another, so it finishes as long as the
// cache holds one whole context.
//
// Engine thread only. The allocator must outlive it.
class Scheduler {
 public:
  // Both limits must be positive. At most max_batch_tokens sequences run at once, so that each
  // gets a token in every step.
  // `tier`, if there is one, must outlive it and keeps blocks that are handed out again; models
  // with a window do without.
  Scheduler(const SchedulerLimits& limits, BlockAllocator& allocator, BlockTier* tier = nullptr);

  // Appends to the waiting queue. `sequence` must stay until it is removed. Returns
  // RESOURCE_EXHAUSTED if its tokens would not fit the whole cache.
  Status Add(Sequence& sequence);

  // Frees the blocks of a sequence, running or waiting, and forgets it.
  void Remove(Sequence& sequence);

  // Leaves a sequence out of the batches, because nobody reads its output, or takes it in again. It
  // keeps its blocks until others need them or Preempt takes them.
  void SetPaused(Sequence& sequence, bool is_paused);
  // Takes the blocks of a running sequence, which will be computed again.
  void Preempt(Sequence& sequence);

  // The next step; empty only if every sequence is paused or there is none. The caller computes it,
  // appends the sampled tokens, then calls Commit, all before the next Schedule.
  const Batch& Schedule();

  // Notes that the last batch was computed. Of a sequence with a draft, as many tokens count as it
  // has now: the caller kept the right ones.
  void Commit();

  // What the blocks hold is not to be trusted: nobody finds it any more.
  void ForgetPrefixes() { prefixes_.Forget(); }

  std::int32_t num_running() const { return static_cast<std::int32_t>(running_.size()); }
  std::int32_t num_waiting() const { return waiting_.size(); }
  std::int64_t num_preemptions() const { return num_preemptions_; }
  bool is_idle() const { return running_.empty() && waiting_.empty(); }
  // Tokens that are not computed yet, of all sequences.
  std::int64_t num_backlog_tokens() const;

 private:
  void SortBySeniority();
  void ScheduleDecodes();
  void Admit();
  void SchedulePrefills();
  void Schedule(Sequence& sequence, std::int32_t num_tokens);

  bool HasRoomFor(const Sequence& sequence, const PrefixMatch& prefix) const;
  void Start(Sequence& sequence, const PrefixMatch& prefix);

  // Makes room for one more token of `sequence`, at the cost of more junior ones. False if it had
  // to give way itself.
  bool MakeRoom(Sequence& sequence);
  // Takes the blocks of a paused sequence. False if there is none.
  bool PreemptPaused();
  // Shortens the draft to what fits the step and the free blocks.
  void TrimDraft(Sequence& sequence);

  const SchedulerLimits limits_;
  BlockAllocator& allocator_;
  PrefixSharing prefixes_;
  std::vector<Sequence*> running_;   // the most senior in front
  std::vector<Sequence*> admitted_;  // of running_, in this step
  FairQueue waiting_;
  Batch batch_;
  StepBudget budget_{0, 0};
  std::uint64_t num_arrivals_ = 0;
  std::int64_t num_preemptions_ = 0;
};

}  // namespace quire::engine
