#include "engine/scheduler/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace quire::engine {

Scheduler::Scheduler(const SchedulerLimits& limits, BlockAllocator& allocator)
    : limits_{.max_batch_tokens = limits.max_batch_tokens,
              .max_sequences = std::min(limits.max_sequences, limits.max_batch_tokens)},
      allocator_(allocator) {
  QUIRE_CHECK(limits_.max_batch_tokens > 0 && limits_.max_sequences > 0);
}

Status Scheduler::Add(Sequence& sequence) {
  const std::int64_t blocks = NumBlocksFor(sequence.num_tokens(), allocator_.block_size());
  if (blocks > allocator_.num_blocks()) {
    return ResourceExhausted("KV cache: wanted {} blocks for {} tokens, have {}", blocks,
                             sequence.num_tokens(), allocator_.num_blocks());
  }
  sequence.state = SequenceState::kWaiting;
  waiting_.push_back(&sequence);
  return OkStatus();
}

void Scheduler::Remove(Sequence& sequence) {
  sequence.blocks.Release(allocator_);
  sequence.state = SequenceState::kFinished;
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
  std::erase_if(batch_.entries,
                [&](const BatchEntry& entry) { return entry.sequence == &sequence; });
}

const Batch& Scheduler::Schedule() {
  batch_.entries.clear();
  budget_ = limits_.max_batch_tokens;
  const std::int64_t preemptions_before = num_preemptions_;
  ScheduleDecodes();
  SchedulePrefills();
  // Blocks are short after a preemption: a sequence admitted now would be the next victim.
  if (num_preemptions_ == preemptions_before) Admit();
  return batch_;
}

void Scheduler::Commit() {
  for (const BatchEntry& entry : batch_.entries) entry.sequence->num_computed += entry.num_tokens;
  batch_.entries.clear();
}

void Scheduler::Schedule(Sequence& sequence, std::int32_t num_tokens) {
  batch_.entries.push_back({.sequence = &sequence, .num_tokens = num_tokens});
  budget_ -= num_tokens;
}

void Scheduler::ScheduleDecodes() {
  // By index: preemption takes from the end of running_ while we go through it.
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.num_uncomputed() == 1 && MakeRoom(sequence)) Schedule(sequence, 1);
  }
}

void Scheduler::SchedulePrefills() {
  // Blocks for the whole prompt were taken at admission.
  for (Sequence* sequence : running_) {
    const std::int32_t wanted = sequence->num_uncomputed();
    if (wanted > 1 && budget_ > 0) Schedule(*sequence, std::min(wanted, budget_));
  }
}

void Scheduler::Admit() {
  while (!waiting_.empty() && budget_ > 0 && num_running() < limits_.max_sequences) {
    Sequence& sequence = *waiting_.front();
    const std::int64_t wanted = NumBlocksFor(sequence.num_tokens(), allocator_.block_size());
    // One block of reserve for each running sequence, so that their growth does not preempt the
    // newcomer at once.
    if (wanted + num_running() > allocator_.num_free()) return;
    const Status grown = sequence.blocks.Grow(sequence.num_tokens(), allocator_);
    QUIRE_CHECK(grown.ok());
    waiting_.pop_front();
    running_.push_back(&sequence);
    sequence.state = SequenceState::kRunning;
    Schedule(sequence, std::min(sequence.num_uncomputed(), budget_));
  }
}

bool Scheduler::MakeRoom(Sequence& sequence) {
  while (!sequence.blocks.Grow(sequence.num_tokens(), allocator_).ok()) {
    const bool is_youngest = running_.back() == &sequence;
    PreemptYoungest();
    if (is_youngest) return false;
  }
  return true;
}

void Scheduler::PreemptYoungest() {
  Sequence& sequence = *running_.back();
  running_.pop_back();
  sequence.blocks.Release(allocator_);
  sequence.num_computed = 0;
  sequence.state = SequenceState::kWaiting;
  waiting_.push_front(&sequence);
  ++num_preemptions_;
}

}  // namespace quire::engine
