#include "engine/scheduler/scheduler.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace quire::engine {
namespace {

// The work that the prompt that came first gets of each step, at least: an eighth, or the 16 tokens
// that fill the registers of the matrix kernels. Deep inside a prompt that is a few tokens: as many
// as at its beginning would make the step so much longer that a short prompt beside it takes twice
// the time.
std::int32_t LeastPrefill(std::int32_t max_batch_tokens) {
  return std::clamp(max_batch_tokens / 8, 1, 16);
}

// After this many preemptions a sequence is senior to all that had fewer.
constexpr std::int32_t kMaxPreemptions = 4;
// Work of a sampled token to its client, in prompt tokens; see FairQueue.
constexpr double kOutputTokenCharge = 2.0;

auto Seniority(const Sequence* sequence) {
  const bool is_protected = sequence->num_preemptions >= kMaxPreemptions;
  return std::tuple(sequence->is_paused, !is_protected,
                    -static_cast<int>(sequence->request.scheduling.priority), sequence->arrival);
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits, BlockAllocator& allocator, BlockTier* tier)
    : limits_{.max_batch_tokens = limits.max_batch_tokens,
              .max_sequences = std::min(limits.max_sequences, limits.max_batch_tokens),
              .prefix_cache = limits.prefix_cache,
              .attention_crossover = limits.attention_crossover,
              .window = limits.window},
      allocator_(allocator),
      prefixes_({.is_enabled = limits.prefix_cache,
                 .window = limits.window,
                 .tier = limits.window == 0 ? tier : nullptr},
                allocator) {
  QUIRE_CHECK(limits_.max_batch_tokens > 0 && limits_.max_sequences > 0);
}

Status Scheduler::Add(Sequence& sequence) {
  const std::int64_t blocks = NumBlocksFor(sequence.num_tokens(), allocator_.block_size());
  if (blocks > allocator_.num_blocks()) {
    return ResourceExhausted("KV cache: wanted {} blocks for {} tokens, have {}", blocks,
                             sequence.num_tokens(), allocator_.num_blocks());
  }
  sequence.state = SequenceState::kWaiting;
  sequence.arrival = num_arrivals_++;
  waiting_.Join(sequence);
  waiting_.Push(sequence, /*in_front=*/false);
  return OkStatus();
}

void Scheduler::Remove(Sequence& sequence) {
  prefixes_.StopComputing(sequence);
  sequence.blocks.Release(allocator_);
  sequence.state = SequenceState::kFinished;
  std::erase(running_, &sequence);
  waiting_.Leave(sequence);
  std::erase_if(batch_.entries,
                [&](const BatchEntry& entry) { return entry.sequence == &sequence; });
}

void Scheduler::SetPaused(Sequence& sequence, bool is_paused) {
  sequence.is_paused = is_paused;
  if (is_paused) prefixes_.StopComputing(sequence);
}

const Batch& Scheduler::Schedule() {
  batch_.entries.clear();
  admitted_.clear();
  budget_ = StepBudget(limits_.max_batch_tokens, limits_.attention_crossover);
  const std::int64_t preemptions_before = num_preemptions_;
  SortBySeniority();
  ScheduleDecodes();
  // Blocks are short after a preemption: a sequence admitted now would be the next victim.
  if (num_preemptions_ == preemptions_before) Admit();
  SchedulePrefills();
  return batch_;
}

void Scheduler::Commit() {
  for (const BatchEntry& entry : batch_.entries) {
    Sequence& sequence = *entry.sequence;
    sequence.num_computed += entry.num_tokens;
    // Of a draft only what was right is in `tokens`, and the last token is never computed yet.
    if (entry.num_draft > 0) {
      sequence.num_computed = std::min(sequence.num_computed, sequence.num_tokens() - 1);
    }
    const std::int32_t num_new = sequence.num_tokens() - sequence.num_charged;
    if (num_new > 0) {
      waiting_.Charge(sequence, kOutputTokenCharge * num_new);
      sequence.num_charged = sequence.num_tokens();
    }
    prefixes_.Publish(sequence);
    sequence.blocks.ReleaseBefore(FirstVisible(sequence.num_computed, limits_.window), allocator_);
  }
  batch_.entries.clear();
}

std::int64_t Scheduler::num_backlog_tokens() const {
  std::int64_t num_tokens = waiting_.num_tokens();
  for (const Sequence* sequence : running_) num_tokens += sequence->num_uncomputed();
  return num_tokens;
}

void Scheduler::SortBySeniority() { std::ranges::sort(running_, {}, Seniority); }

void Scheduler::Schedule(Sequence& sequence, std::int32_t num_tokens) {
  const bool completes = num_tokens == sequence.num_uncomputed();
  const auto num_draft = completes ? static_cast<std::int32_t>(sequence.draft.size()) : 0;
  budget_.Take(sequence.num_computed, num_tokens + num_draft);
  batch_.entries.push_back(
      {.sequence = &sequence, .num_tokens = num_tokens + num_draft, .num_draft = num_draft});
}

void Scheduler::ScheduleDecodes() {
  // By index: preemption takes from the end of running_ while we go through it.
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.is_paused || sequence.num_uncomputed() != 1 || !MakeRoom(sequence)) continue;
    TrimDraft(sequence);
    Schedule(sequence, 1);
  }
}

void Scheduler::SchedulePrefills() {
  // Blocks for the whole prompt were taken at admission.
  std::vector<Sequence*> prefills;
  for (Sequence* sequence : running_) {
    if (!sequence->is_paused && sequence->num_uncomputed() > 1) prefills.push_back(sequence);
  }
  // A sequence that is admitted with one token left to compute is a prefill of one token.
  for (Sequence* sequence : admitted_) {
    if (sequence->num_uncomputed() == 1) prefills.push_back(sequence);
  }
  if (prefills.empty()) return;
  const Sequence* first = *std::ranges::min_element(prefills, {}, &Sequence::arrival);
  std::ranges::sort(prefills, {}, [](const Sequence* sequence) {
    return std::tuple(-static_cast<int>(sequence->request.scheduling.priority),
                      sequence->num_uncomputed(), sequence->arrival);
  });
  std::int32_t reserved = std::min(first->num_uncomputed(), LeastPrefill(limits_.max_batch_tokens));
  for (Sequence* sequence : prefills) {
    if (sequence == first) reserved = 0;
    std::int32_t count = budget_.Fit(sequence->num_computed, sequence->num_uncomputed(), reserved);
    // Deep inside a prompt one token may be more work than was left.
    if (sequence == first) count = std::max(count, std::min(1, budget_.tokens()));
    if (count > 0) Schedule(*sequence, count);
  }
}

void Scheduler::Admit() {
  while (!waiting_.empty()) {
    PrefixMatch prefix;
    Sequence* sequence = waiting_.Next([&](Sequence& candidate) {
      prefix = prefixes_.Find(candidate);
      return !prefixes_.IsBeingComputed(candidate, prefix);
    });
    if (sequence == nullptr) return;
    if (num_running() < limits_.max_sequences && HasRoomFor(*sequence, prefix)) {
      Start(*sequence, prefix);
    } else if (!PreemptPaused()) {
      return;
    }
  }
}

bool Scheduler::HasRoomFor(const Sequence& sequence, const PrefixMatch& prefix) const {
  const std::int64_t wanted =
      NumBlocksFor(sequence.num_tokens(), allocator_.block_size()) - prefix.num_blocks();
  // Adopting a free block takes it from those that can be handed out.
  const auto num_free_in_prefix = std::ranges::count_if(
      prefix.blocks, [&](BlockId block) { return allocator_.is_free(block); });
  // One block of reserve for each running sequence, so that their growth does not preempt the
  // newcomer at once.
  return wanted + num_free_in_prefix + num_running() <= allocator_.num_free();
}

void Scheduler::Start(Sequence& sequence, const PrefixMatch& prefix) {
  allocator_.Share(prefix.blocks);
  sequence.blocks.Adopt(prefix.num_absent, prefix.blocks);
  const Status grown = sequence.blocks.Grow(sequence.num_tokens(), allocator_);
  QUIRE_CHECK(grown.ok());
  const auto num_found = static_cast<std::size_t>(prefix.num_blocks());
  sequence.num_published = num_found + prefixes_.Restore(sequence, num_found);
  sequence.num_computed =
      static_cast<std::int32_t>(sequence.num_published) * allocator_.block_size();
  if (sequence.num_charged == 0) {
    sequence.num_cached = sequence.num_computed;
    sequence.prefix_miss = prefixes_.Explain(sequence);
    waiting_.Charge(sequence, sequence.num_uncomputed());
    sequence.num_charged = sequence.num_tokens();
  }
  waiting_.Remove(sequence);
  running_.push_back(&sequence);
  admitted_.push_back(&sequence);
  sequence.state = SequenceState::kRunning;
  prefixes_.StartComputing(sequence);
}

bool Scheduler::MakeRoom(Sequence& sequence) {
  while (!sequence.blocks.Grow(sequence.num_tokens(), allocator_).ok()) {
    Sequence& junior = *running_.back();
    Preempt(junior);
    if (&junior == &sequence) return false;
  }
  return true;
}

bool Scheduler::PreemptPaused() {
  const auto found = std::ranges::find(running_, true, &Sequence::is_paused);
  if (found == running_.end()) return false;
  Preempt(**found);
  return true;
}

void Scheduler::TrimDraft(Sequence& sequence) {
  std::vector<TokenId>& draft = sequence.draft;
  if (draft.empty()) return;
  // Every running sequence keeps a row of this step and a block of reserve.
  const std::int32_t rows = std::max(budget_.tokens() - num_running(), 0);
  draft.resize(std::min(draft.size(), static_cast<std::size_t>(rows)));
  const auto wanted =
      static_cast<std::int64_t>(sequence.num_tokens()) + static_cast<std::int64_t>(draft.size());
  const auto num_blocks = static_cast<std::int64_t>(sequence.blocks.blocks().size());
  const std::int64_t num_more = NumBlocksFor(wanted, allocator_.block_size()) - num_blocks;
  if (num_more > 0 && num_more + num_running() <= allocator_.num_free()) {
    const Status grown = sequence.blocks.Grow(wanted, allocator_);
    QUIRE_CHECK(grown.ok());
    return;
  }
  const std::int64_t room = num_blocks * allocator_.block_size() - sequence.num_tokens();
  draft.resize(std::min(draft.size(), static_cast<std::size_t>(room)));
}

void Scheduler::Preempt(Sequence& sequence) {
  prefixes_.StopComputing(sequence);
  std::erase(running_, &sequence);
  sequence.blocks.Release(allocator_);
  sequence.num_computed = 0;
  sequence.num_published = 0;
  sequence.draft.clear();
  sequence.state = SequenceState::kWaiting;
  ++sequence.num_preemptions;
  waiting_.Push(sequence, /*in_front=*/true);
  ++num_preemptions_;
}

}  // namespace quire::engine
