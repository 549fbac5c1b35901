#include "engine/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr std::int32_t kBlockSize = 4;

std::unique_ptr<Sequence> NewSequence(std::int32_t prompt_tokens, std::int32_t max_new_tokens) {
  Request request;
  request.prompt.assign(static_cast<std::size_t>(prompt_tokens), 7);
  request.max_new_tokens = max_new_tokens;
  return std::make_unique<Sequence>(MakeSequence(std::move(request), 0));
}

// What a batch computes, as {sequence, tokens}.
std::map<const Sequence*, std::int32_t> Entries(const Batch& batch) {
  std::map<const Sequence*, std::int32_t> entries;
  for (const BatchEntry& entry : batch.entries) entries[entry.sequence] = entry.num_tokens;
  return entries;
}

// Plays the model: each sequence whose tokens are all computed gets another one.
void RunStep(Scheduler& scheduler) {
  std::vector<Sequence*> complete;
  for (const BatchEntry& entry : scheduler.Schedule().entries) {
    if (entry.completes()) complete.push_back(entry.sequence);
  }
  scheduler.Commit();
  for (Sequence* sequence : complete) sequence->tokens.push_back(9);
}

using Expected = std::map<const Sequence*, std::int32_t>;

TEST(SchedulerTest, PromptsAreComputedInPiecesUnderTheTokenBudget) {
  BlockAllocator allocator(16, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 8, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto a = NewSequence(10, 4);
  const auto b = NewSequence(5, 4);
  ASSERT_THAT(scheduler.Add(*a), IsOk());
  ASSERT_THAT(scheduler.Add(*b), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{a.get(), 8}}));
  scheduler.Commit();
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{a.get(), 2}, {b.get(), 5}}));
}

TEST(SchedulerTest, DecodingSequencesAdvanceInEveryStep) {
  BlockAllocator allocator(32, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 4, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto decoding = NewSequence(1, 8);
  ASSERT_THAT(scheduler.Add(*decoding), IsOk());
  RunStep(scheduler);
  const auto prompt = NewSequence(20, 4);
  ASSERT_THAT(scheduler.Add(*prompt), IsOk());
  for (int step = 0; step < 5; ++step) {
    EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{decoding.get(), 1}, {prompt.get(), 3}}));
    scheduler.Commit();
    decoding->tokens.push_back(9);
  }
}

TEST(SchedulerTest, AdmissionIsFirstComeFirstServed) {
  BlockAllocator allocator(4, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto large = NewSequence(12, 4);
  const auto larger = NewSequence(16, 4);
  const auto small = NewSequence(1, 4);
  for (const auto* sequence : {&large, &larger, &small}) {
    ASSERT_THAT(scheduler.Add(**sequence), IsOk());
  }
  // The second has to wait for blocks; the third would fit but does not overtake it.
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{large.get(), 12}}));
  EXPECT_EQ(scheduler.num_waiting(), 2);
}

TEST(SchedulerTest, YoungestIsPreemptedAndComputedAgain) {
  BlockAllocator allocator(5, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto old = NewSequence(8, 8);
  const auto young = NewSequence(6, 8);
  ASSERT_THAT(scheduler.Add(*old), IsOk());
  ASSERT_THAT(scheduler.Add(*young), IsOk());
  RunStep(scheduler);  // 2 + 2 blocks
  RunStep(scheduler);  // the old one takes the last block
  RunStep(scheduler);
  ASSERT_EQ(young->num_output_tokens(), 3);
  // The young one needs a third block now, and gives way itself.
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{old.get(), 1}}));
  EXPECT_EQ(young->state, SequenceState::kWaiting);
  EXPECT_EQ(young->num_computed, 0);
  EXPECT_EQ(scheduler.num_preemptions(), 1);
  EXPECT_EQ(allocator.num_free(), 2);
  scheduler.Commit();
  scheduler.Remove(*old);
  // Its output so far is prompt now.
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{young.get(), 9}}));
}

TEST(SchedulerTest, RemoveFreesBlocksInEveryState) {
  BlockAllocator allocator(4, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 4, .max_sequences = 1, .prefix_cache = false},
                      allocator);
  const auto running = NewSequence(9, 4);
  const auto waiting = NewSequence(9, 4);
  ASSERT_THAT(scheduler.Add(*running), IsOk());
  ASSERT_THAT(scheduler.Add(*waiting), IsOk());
  RunStep(scheduler);
  EXPECT_EQ(allocator.num_free(), 1);
  scheduler.Remove(*waiting);
  scheduler.Remove(*running);
  EXPECT_EQ(allocator.num_free(), 4);
  EXPECT_TRUE(scheduler.is_idle());
  EXPECT_TRUE(scheduler.Schedule().entries.empty());
}

TEST(SchedulerTest, PromptLargerThanTheCacheIsRefused) {
  BlockAllocator allocator(4, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 4, .max_sequences = 1, .prefix_cache = false},
                      allocator);
  const auto sequence = NewSequence(17, 4);
  EXPECT_THAT(scheduler.Add(*sequence), HasCode(absl::StatusCode::kResourceExhausted));
}

TEST(SchedulerTest, ACommonPrefixIsComputedOnce) {
  BlockAllocator allocator(16, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4}, allocator);
  const auto first = NewSequence(11, 4);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunStep(scheduler);
  const auto second = NewSequence(11, 4);
  const auto longer = NewSequence(12, 4);
  ASSERT_THAT(scheduler.Add(*second), IsOk());
  ASSERT_THAT(scheduler.Add(*longer), IsOk());
  // Two full blocks are shared. The last token of `longer` is computed although 9, the first one's
  // output, differs from it only there.
  EXPECT_EQ(Entries(scheduler.Schedule()),
            (Expected{{first.get(), 1}, {second.get(), 3}, {longer.get(), 4}}));
  EXPECT_EQ(second->num_cached, 8);
  EXPECT_EQ(second->blocks.blocks()[1], first->blocks.blocks()[1]);
  EXPECT_NE(second->blocks.blocks()[2], first->blocks.blocks()[2]);
  scheduler.Commit();
  // What is free is found until it is handed out again.
  for (const auto* sequence : {&first, &second, &longer}) scheduler.Remove(**sequence);
  EXPECT_EQ(allocator.num_free(), 16);
  const auto late = NewSequence(9, 4);
  ASSERT_THAT(scheduler.Add(*late), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{late.get(), 1}}));
  scheduler.Remove(*late);
  const auto other = NewSequence(64, 0);
  other->tokens[0] = 1;
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{other.get(), 64}}));
  scheduler.Remove(*other);
  const auto again = NewSequence(9, 4);
  ASSERT_THAT(scheduler.Add(*again), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{again.get(), 9}}));
}

TEST(SchedulerTest, TokensWhoseLogProbsAreWantedAreComputed) {
  BlockAllocator allocator(16, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4}, allocator);
  const auto first = NewSequence(9, 4);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunStep(scheduler);
  const auto scored = NewSequence(9, 0);
  scored->request.num_prompt_logprobs = 0;
  ASSERT_THAT(scheduler.Add(*scored), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{first.get(), 1}, {scored.get(), 9}}));
}

// Random requests come, run and vanish; what must hold holds after every step.
class SchedulerPropertyTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr std::int32_t kNumBlocks = 12;
  static constexpr std::int32_t kContext = kNumBlocks * kBlockSize;

  SchedulerPropertyTest()
      : random_(GetParam()),
        limits_{.max_batch_tokens = Random(1, 24),
                .max_sequences = Random(1, 6),
                .prefix_cache = GetParam() % 2 == 0},
        allocator_(kNumBlocks, kBlockSize),
        scheduler_(limits_, allocator_) {}

  std::int32_t Random(std::int32_t min, std::int32_t max) {
    return std::uniform_int_distribution(min, max)(random_);
  }

  void Submit() {
    const std::int32_t prompt = Random(1, kContext - 1);
    sequences_.push_back(NewSequence(prompt, Random(1, kContext - prompt)));
    // Prefixes of every length are common.
    if (Random(0, 1) == 1) {
      sequences_.back()->tokens[static_cast<std::size_t>(Random(0, prompt - 1))] = 8;
    }
    ASSERT_THAT(scheduler_.Add(*sequences_.back()), IsOk());
  }

  void Remove(std::size_t index) {
    scheduler_.Remove(*sequences_[index]);
    sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  // free + used = total, and no block that is still written has two owners.
  void ExpectBlocksAreSound() {
    std::set<BlockId> full;
    std::set<BlockId> written;
    for (const auto& sequence : sequences_) {
      const auto blocks = sequence->blocks.blocks();
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const bool is_full =
            static_cast<std::int32_t>(i + 1) * kBlockSize <= sequence->num_computed;
        if (is_full) {
          full.insert(blocks[i]);
        } else {
          ASSERT_TRUE(written.insert(blocks[i]).second);
        }
      }
      if (sequence->state == SequenceState::kWaiting) {
        ASSERT_TRUE(blocks.empty());
      }
    }
    for (const BlockId block : written) ASSERT_FALSE(full.contains(block));
    const std::size_t num_used = full.size() + written.size();
    ASSERT_EQ(static_cast<std::int32_t>(num_used) + allocator_.num_free(), kNumBlocks);
  }

  // What the slots of a sequence's computed tokens hold was computed from those tokens.
  void ExpectCacheIsRight() {
    for (const auto& sequence : sequences_) {
      std::size_t prefix = 0;
      for (std::int32_t i = 0; i < sequence->num_computed; ++i) {
        prefix = HashWith(prefix, sequence->tokens[static_cast<std::size_t>(i)]);
        ASSERT_EQ(cache_.at(sequence->blocks.Slot(i, kBlockSize)), prefix);
      }
    }
  }

  static std::size_t HashWith(std::size_t prefix, TokenId token) {
    return (prefix ^ static_cast<std::size_t>(token)) * 1'099'511'628'211u;
  }

  void ExpectBatchIsSound(const Batch& batch) {
    ASSERT_LE(batch.num_tokens(), limits_.max_batch_tokens);
    ASSERT_LE(scheduler_.num_running(), limits_.max_sequences);
    std::set<const Sequence*> seen;
    for (const BatchEntry& entry : batch.entries) {
      ASSERT_TRUE(seen.insert(entry.sequence).second);
      ASSERT_GT(entry.num_tokens, 0);
      ASSERT_LE(entry.num_tokens, entry.sequence->num_uncomputed());
      const std::int64_t reach = entry.sequence->num_computed + entry.num_tokens;
      const auto room =
          static_cast<std::int64_t>(entry.sequence->blocks.blocks().size()) * kBlockSize;
      ASSERT_LE(reach, room);
    }
    ASSERT_EQ(batch.entries.empty(), scheduler_.is_idle());
  }

  // One step with the fake model; finished sequences leave.
  void Step() {
    const Batch& batch = scheduler_.Schedule();
    ExpectBatchIsSound(batch);
    ExpectBlocksAreSound();
    ExpectCacheIsRight();
    RunFakeModel(batch);
    for (std::size_t i = sequences_.size(); i-- > 0;) {
      const Sequence& sequence = *sequences_[i];
      if (sequence.num_output_tokens() >= sequence.request.max_new_tokens) Remove(i);
    }
  }

  void RunFakeModel(const Batch& batch) {
    std::vector<Sequence*> complete;
    for (const BatchEntry& entry : batch.entries) {
      if (entry.completes()) complete.push_back(entry.sequence);
      WriteCache(entry);
    }
    scheduler_.Commit();
    for (Sequence* sequence : complete) sequence->tokens.push_back(9);
  }

  void WriteCache(const BatchEntry& entry) {
    const Sequence& sequence = *entry.sequence;
    std::size_t prefix = 0;
    for (std::int32_t i = 0; i < sequence.num_computed + entry.num_tokens; ++i) {
      prefix = HashWith(prefix, sequence.tokens[static_cast<std::size_t>(i)]);
      if (i >= sequence.num_computed) cache_[sequence.blocks.Slot(i, kBlockSize)] = prefix;
    }
  }

  std::map<std::int32_t, std::size_t> cache_;  // slot -> hash of the tokens up to its own
  std::mt19937 random_;
  const SchedulerLimits limits_;
  BlockAllocator allocator_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
};

TEST_P(SchedulerPropertyTest, InvariantsHoldAndEveryRequestFinishes) {
  for (int i = 0; i < 400; ++i) {
    const std::int32_t action = Random(0, 9);
    if (action < 2 && sequences_.size() < 20) Submit();
    if (action == 9 && !sequences_.empty()) {
      Remove(static_cast<std::size_t>(Random(0, static_cast<std::int32_t>(sequences_.size()) - 1)));
    }
    ASSERT_NO_FATAL_FAILURE(Step());
  }
  // Without newcomers everything finishes: at most 20 requests of 48 tokens, each recomputed at
  // most once for each token of an older one.
  int steps = 0;
  while (!sequences_.empty()) {
    ASSERT_LT(++steps, 20 * kContext * kContext);
    ASSERT_NO_FATAL_FAILURE(Step());
  }
  EXPECT_EQ(allocator_.num_free(), kNumBlocks);
  EXPECT_TRUE(scheduler_.is_idle());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerPropertyTest, ::testing::Range(0u, 40u));

}  // namespace
}  // namespace quire::engine
