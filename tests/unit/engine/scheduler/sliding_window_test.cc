// The scheduler over a model that sees a window of tokens alone.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "engine/scheduler/scheduler.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr std::int32_t kWindowBlockSize = 4;

// Tokens 0, 1, 2, ..., so that no two blocks of a prompt are alike.
std::unique_ptr<Sequence> NewWindowSequence(std::int32_t prompt_tokens,
                                            std::int32_t max_new_tokens) {
  Request request;
  for (TokenId i = 0; i < prompt_tokens; ++i) request.prompt.push_back(i);
  request.max_new_tokens = max_new_tokens;
  return std::make_unique<Sequence>(MakeSequence(std::move(request), 0));
}

void RunWindowStep(Scheduler& scheduler) {
  std::vector<Sequence*> complete;
  for (const BatchEntry& entry : scheduler.Schedule().entries) {
    if (entry.completes()) complete.push_back(entry.sequence);
  }
  scheduler.Commit();
  for (Sequence* sequence : complete) sequence->tokens.push_back(1000);
}

TEST(SlidingWindowTest, ADecodingSequenceHoldsItsWindowAlone) {
  BlockAllocator allocator(16, kWindowBlockSize);
  Scheduler scheduler({.max_batch_tokens = 8, .max_sequences = 4, .window = 6}, allocator);
  const auto sequence = NewWindowSequence(20, 44);
  ASSERT_THAT(scheduler.Add(*sequence), IsOk());
  RunWindowStep(scheduler);
  // 8 computed: position 8 sees 3 to 8, so no block is past yet; the whole prompt has blocks.
  EXPECT_EQ(allocator.num_free(), 11);
  RunWindowStep(scheduler);
  RunWindowStep(scheduler);
  // 20 computed: position 20 sees 15 to 20: blocks 0 to 2 are past.
  EXPECT_EQ(allocator.num_free(), 14);
  for (int i = 0; i < 40; ++i) {
    RunWindowStep(scheduler);
    EXPECT_LE(sequence->blocks.held().size(), 3u);
  }
  EXPECT_EQ(scheduler.num_preemptions(), 0);
  scheduler.Remove(*sequence);
  EXPECT_EQ(allocator.num_free(), 16);
}

TEST(SlidingWindowTest, APrefixIsFoundThoughItsBeginningIsGone) {
  BlockAllocator allocator(10, kWindowBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .window = 6}, allocator);
  const auto first = NewWindowSequence(20, 20);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunWindowStep(scheduler);
  // Of the free blocks three hold the beginning of the first one's prompt. Another prompt takes
  // four others and two of those.
  const auto other = NewWindowSequence(24, 1);
  other->tokens[0] = 77;
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  RunWindowStep(scheduler);
  ASSERT_EQ(other->num_computed, 24);
  scheduler.Remove(*other);
  const auto second = NewWindowSequence(21, 4);
  ASSERT_THAT(scheduler.Add(*second), IsOk());
  scheduler.Schedule();
  EXPECT_EQ(second->num_cached, 20);
  EXPECT_EQ(second->blocks.blocks()[0], kNoBlock);
  EXPECT_EQ(second->blocks.blocks()[2], kNoBlock);
  EXPECT_EQ(second->blocks.blocks()[4], first->blocks.blocks()[4]);
}

TEST(SlidingWindowTest, APrefixWithAHoleInItsWindowIsComputedAgain) {
  BlockAllocator allocator(10, kWindowBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .window = 6}, allocator);
  const auto first = NewWindowSequence(20, 20);
  ASSERT_THAT(scheduler.Add(*first), IsOk());
  RunWindowStep(scheduler);
  scheduler.Remove(*first);
  // Takes every block but the one that goes last: of a sequence the end goes before the beginning,
  // so block 3 stays and block 4 is gone.
  const auto other = NewWindowSequence(35, 1);
  other->tokens[0] = 77;
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  RunWindowStep(scheduler);
  ASSERT_EQ(other->num_computed, 35);
  scheduler.Remove(*other);
  const auto second = NewWindowSequence(21, 4);
  ASSERT_THAT(scheduler.Add(*second), IsOk());
  EXPECT_EQ(scheduler.Schedule().num_tokens(), 21);
  EXPECT_EQ(second->num_cached, 0);
}

// Random requests come, run and vanish. A map plays the cache: a block that is handed out again
// holds what its new owner writes, so a prefix that is not what it seems shows.
class SlidingWindowPropertyTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr std::int32_t kNumBlocks = 14;
  static constexpr std::int32_t kContext = kNumBlocks * kWindowBlockSize;

  std::int32_t Random(std::int32_t min, std::int32_t max) {
    return std::uniform_int_distribution(min, max)(random_);
  }

  void Submit() {
    const std::int32_t prompt = Random(1, kContext - 1);
    sequences_.push_back(NewWindowSequence(prompt, Random(1, kContext - prompt)));
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
      ASSERT_EQ(cache_.at(sequence.blocks.Slot(i, kWindowBlockSize)), prefix) << "position " << i;
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
        ASSERT_LE(static_cast<std::int32_t>(held.size()), limits_.window / kWindowBlockSize + 3);
      }
    }
    ASSERT_EQ(static_cast<std::int32_t>(used.size()) + allocator_.num_free(), kNumBlocks);
  }

  void WriteCache(const BatchEntry& entry) {
    const Sequence& sequence = *entry.sequence;
    std::size_t prefix = 0;
    for (std::int32_t i = 0; i < sequence.num_computed + entry.num_tokens; ++i) {
      prefix = HashWith(prefix, sequence.tokens[static_cast<std::size_t>(i)]);
      if (i >= sequence.num_computed) cache_[sequence.blocks.Slot(i, kWindowBlockSize)] = prefix;
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
  BlockAllocator allocator_{kNumBlocks, kWindowBlockSize};
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
