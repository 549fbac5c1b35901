#include "engine/scheduler/scheduler.h"

#include <algorithm>

#include "base/check.h"
#include "engine/kv/prefix_match.h"

namespace quire::engine {

Scheduler::Scheduler(const SchedulerLimits& limits, BlockAllocator& allocator)
    : limits_{.max_batch_tokens = limits.max_batch_tokens,
              .max_sequences = std::min(limits.max_sequences, limits.max_batch_tokens),
              .prefix_cache = limits.prefix_cache,
              .window = limits.window},
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
  for (const BatchEntry& entry : batch_.entries) {
    Sequence& sequence = *entry.sequence;
    sequence.num_computed += entry.num_tokens;
    if (limits_.prefix_cache) PublishBlocks(sequence);
    sequence.blocks.ReleaseBefore(FirstVisible(sequence.num_computed, limits_.window), allocator_);
  }
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
    AdoptPrefix(sequence);
    const std::int64_t wanted = NumBlocksFor(sequence.num_tokens(), allocator_.block_size()) -
                                static_cast<std::int64_t>(sequence.blocks.blocks().size());
    // One block of reserve for each running sequence, so that their growth does not preempt the
    // newcomer at once.
    if (wanted + num_running() > allocator_.num_free()) return GiveBack(sequence);
    const Status grown = sequence.blocks.Grow(sequence.num_tokens(), allocator_);
    QUIRE_CHECK(grown.ok());
    waiting_.pop_front();
    running_.push_back(&sequence);
    sequence.state = SequenceState::kRunning;
    Schedule(sequence, std::min(sequence.num_uncomputed(), budget_));
  }
}

void Scheduler::ExtendKeys(Sequence& sequence, std::int32_t num_tokens) const {
  const auto block_size = static_cast<std::size_t>(allocator_.block_size());
  const std::size_t num_full = static_cast<std::size_t>(num_tokens) / block_size;
  const std::span<const TokenId> tokens = sequence.tokens;
  std::vector<BlockKey>& keys = sequence.block_keys;
  while (keys.size() < num_full) {
    const BlockKey previous = keys.empty() ? BlockKey() : keys.back();
    keys.push_back(NextBlockKey(previous, tokens.subspan(keys.size() * block_size, block_size)));
  }
}

void Scheduler::AdoptPrefix(Sequence& sequence) {
  if (!limits_.prefix_cache || sequence.request.num_prompt_logprobs) return;
  const std::int32_t num_reusable = sequence.num_tokens() - 1;
  ExtendKeys(sequence, num_reusable);
  const auto num_keys = static_cast<std::size_t>(num_reusable / allocator_.block_size());
  const PrefixMatch found =
      FindPrefix(std::span(sequence.block_keys).first(num_keys), limits_.window, allocator_);
  allocator_.Share(found.blocks);
  sequence.blocks.Adopt(found.num_absent, found.blocks);
  sequence.num_published = static_cast<std::size_t>(found.num_blocks());
  sequence.num_computed = static_cast<std::int32_t>(found.num_blocks()) * allocator_.block_size();
  if (sequence.num_output_tokens() == 0) sequence.num_cached = sequence.num_computed;
}

void Scheduler::PublishBlocks(Sequence& sequence) {
  ExtendKeys(sequence, sequence.num_computed);
  const auto num_full = static_cast<std::size_t>(sequence.num_computed / allocator_.block_size());
  for (std::size_t& i = sequence.num_published; i < num_full; ++i) {
    allocator_.SetKey(sequence.blocks.blocks()[i], sequence.block_keys[i]);
  }
}

void Scheduler::GiveBack(Sequence& sequence) {
  sequence.blocks.Release(allocator_);
  sequence.num_computed = 0;
  sequence.num_published = 0;
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
  GiveBack(sequence);
  sequence.state = SequenceState::kWaiting;
  waiting_.push_front(&sequence);
  ++num_preemptions_;
}

}  // namespace quire::engine
