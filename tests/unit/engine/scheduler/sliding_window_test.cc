// The scheduler over a model that sees a window of tokens alone.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "engine/scheduler/scheduler.h"
#include "tests/support/scheduler_steps.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;
using testing::kBlockSize;
using testing::NewCountingSequence;
using testing::RunStep;

TEST(SlidingWindowTest, ADecodingSequenceHoldsItsWindowAlone) {
  BlockAllocator allocator(16, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 8, .max_sequences = 4, .window = 6}, allocator);
  const auto sequence = NewCountingSequence(20, 44);
  ASSERT_THAT(scheduler.Add(*sequence), IsOk());
  RunStep(scheduler, /*next=*/1000);
  // 8 computed: position 8 sees 3 to 8, so no block is past yet; the whole prompt has blocks.
  EXPECT_EQ(allocator.num_free(), 11);
  RunStep(scheduler, /*next=*/1000);
  RunStep(scheduler, /*next=*/1000);
  // 20 computed: position 20 sees 15 to 20: blocks 0 to 2 are past.
  EXPECT_EQ(allocator.num_free(), 14);
  for (int i = 0; i < 40; ++i) {
    RunStep(scheduler, /*next=*/1000);
    EXPECT_LE(sequence->blocks.held().size(), 3u);
  }
  EXPECT_EQ(scheduler.num_preemptions(), 0);
  scheduler.Remove(*sequence);
  EXPECT_EQ(allocator.num_free(), 16);
}

TEST(SlidingWindowTest, APrefixIsFoundThoughItsBeginningIsGone) {
  BlockAllocator allocator(10, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .window = 6}, allocator);
  const auto first = NewCountingSequence(20, 20);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunStep(scheduler, /*next=*/1000);
  // Of the free blocks three hold the beginning of the first one's prompt. Another prompt takes
  // four others and two of those.
  const auto other = NewCountingSequence(24, 1);
  other->tokens[0] = 77;
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  RunStep(scheduler, /*next=*/1000);
  ASSERT_EQ(other->num_computed, 24);
  scheduler.Remove(*other);
  const auto second = NewCountingSequence(21, 4);
  ASSERT_THAT(scheduler.Add(*second), IsOk());
  scheduler.Schedule();
  EXPECT_EQ(second->num_cached, 20);
  EXPECT_EQ(second->blocks.blocks()[0], kNoBlock);
  EXPECT_EQ(second->blocks.blocks()[2], kNoBlock);
  EXPECT_EQ(second->blocks.blocks()[4], first->blocks.blocks()[4]);
}

TEST(SlidingWindowTest, APrefixWithAHoleInItsWindowIsComputedAgain) {
  BlockAllocator allocator(10, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .window = 6}, allocator);
  const auto first = NewCountingSequence(20, 20);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunStep(scheduler, /*next=*/1000);
  scheduler.Remove(*first);
  // Takes every block but the one that goes last: of a sequence the end goes before the beginning,
  // so block 3 stays and block 4 is gone.
  const auto other = NewCountingSequence(35, 1);
  other->tokens[0] = 77;
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  RunStep(scheduler, /*next=*/1000);
  ASSERT_EQ(other->num_computed, 35);
  scheduler.Remove(*other);
  const auto second = NewCountingSequence(21, 4);
  ASSERT_THAT(scheduler.Add(*second), IsOk());
  EXPECT_EQ(scheduler.Schedule().num_tokens(), 21);
  EXPECT_EQ(second->num_cached, 0);
}

// Random requests come, run and vanish. A map plays the cache: a block that is handed out again
// holds what its new owner writes, so a prefix that is not what it seems shows.
class SlidingWindowPropertyTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr std::int32_t kNumBlocks = 14;
  static constexpr std::int32_t kContext = kNumBlocks * kBlockSize;

  std::int32_t Random(std::int32_t min, std::int32_t max) {
    return std::uniform_int_distribution(min, max)(random_);
  }

  void Submit() {
    const std::int32_t prompt = Random(1, kContext - 1);
    sequences_.push_back(NewCountingSequence(prompt, Random(1, kContext - prompt)));
    if (Random(0, 1) == 1) {
      sequences_.back()->tokens[static_cast<std::size_t>(Random(0, prompt - 1))] = 500;
    }
    ASSERT_THAT(scheduler_.Add(*sequences_.back()), IsOk());
  }

  void Remove(std::size_t index) {
    scheduler_.Remove(*sequences_[index]);
    sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  static std::size_t HashWith(std::size_t prefix, TokenId token) {
    return (prefix ^ static_cast<std::size_t>(token + 1)) * 1'099'511'628'211u;
  }

  // Every slot that the next token of a sequence sees holds what was computed from its tokens.
  void ExpectWindowIsRight(const Sequence& sequence) {
    std::size_t prefix = 0;
    for (std::int32_t i = 0; i < sequence.num_computed; ++i) {
      prefix = HashWith(prefix, sequence.tokens[static_cast<std::size_t>(i)]);
      if (i < FirstVisible(sequence.num_computed, limits_.window)) continue;
      ASSERT_EQ(cache_.at(sequence.blocks.Slot(i, kBlockSize)), prefix) << "position " << i;
    }
  }

  void ExpectSound() {
    std::set<BlockId> used;
    for (const auto& sequence : sequences_) {
      ASSERT_NO_FATAL_FAILURE(ExpectWindowIsRight(*sequence));
      const auto held = sequence->blocks.held();
      used.insert(held.begin(), held.end());
      if (sequence->num_uncomputed() == 1) {
        // The window, the new token, and what a block has more than that.
        ASSERT_LE(static_cast<std::int32_t>(held.size()), limits_.window / kBlockSize + 3);
      }
    }
    ASSERT_EQ(static_cast<std::int32_t>(used.size()) + allocator_.num_free(), kNumBlocks);
  }

  void WriteCache(const BatchEntry& entry) {
    const Sequence& sequence = *entry.sequence;
    std::size_t prefix = 0;
    for (std::int32_t i = 0; i < sequence.num_computed + entry.num_tokens; ++i) {
      prefix = HashWith(prefix, sequence.tokens[static_cast<std::size_t>(i)]);
      if (i >= sequence.num_computed) cache_[sequence.blocks.Slot(i, kBlockSize)] = prefix;
    }
  }

  void Step() {
    std::vector<Sequence*> complete;
    const Batch& batch = scheduler_.Schedule();
    ASSERT_EQ(batch.entries.empty(), scheduler_.is_idle());
    for (const BatchEntry& entry : batch.entries) {
      if (entry.completes()) complete.push_back(entry.sequence);
      WriteCache(entry);
    }
    scheduler_.Commit();
    ASSERT_NO_FATAL_FAILURE(ExpectSound());
    for (Sequence* sequence : complete) sequence->tokens.push_back(Random(0, 3));
    for (std::size_t i = sequences_.size(); i-- > 0;) {
      const Sequence& sequence = *sequences_[i];
      if (sequence.num_output_tokens() >= sequence.request.max_new_tokens) Remove(i);
    }
  }

  std::map<std::int32_t, std::size_t> cache_;  // slot -> hash of the tokens up to its own
  std::mt19937 random_{GetParam()};
  const SchedulerLimits limits_ = {.max_batch_tokens = Random(1, 24),
                                   .max_sequences = Random(1, 6),
                                   .prefix_cache = GetParam() % 4 != 0,
                                   .window = Random(1, 30)};
  BlockAllocator allocator_{kNumBlocks, kBlockSize};
  Scheduler scheduler_{limits_, allocator_};
  std::vector<std::unique_ptr<Sequence>> sequences_;
};

TEST_P(SlidingWindowPropertyTest, WhatASequenceSeesIsItsOwnAndEveryRequestFinishes) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam() << ", window " << limits_.window);
  for (int i = 0; i < 400; ++i) {
    const std::int32_t action = Random(0, 9);
    if (action < 2 && sequences_.size() < 20) {
      ASSERT_NO_FATAL_FAILURE(Submit());
    }
    if (action == 9 && !sequences_.empty()) {
      Remove(static_cast<std::size_t>(Random(0, static_cast<std::int32_t>(sequences_.size()) - 1)));
    }
    ASSERT_NO_FATAL_FAILURE(Step());
  }
  for (int steps = 0; !sequences_.empty(); ++steps) {
    ASSERT_LT(steps, 20 * kContext * kContext);
    ASSERT_NO_FATAL_FAILURE(Step());
  }
  EXPECT_EQ(allocator_.num_free(), kNumBlocks);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SlidingWindowPropertyTest, ::testing::Range(0u, 40u));

}  // namespace
}  // namespace quire::engine
