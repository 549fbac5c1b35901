#include "engine/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scheduler_steps.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::HasCode;
using testing::IsOk;
using testing::kBlockSize;
using testing::NewSequence;
using testing::RunStep;

// What a batch computes, as {sequence, tokens}.
std::map<const Sequence*, std::int32_t> Entries(const Batch& batch) {
  std::map<const Sequence*, std::int32_t> entries;
  for (const BatchEntry& entry : batch.entries) entries[entry.sequence] = entry.num_tokens;
  return entries;
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
  // The short one overtakes, and the one that came first still gets a piece.
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{a.get(), 3}, {b.get(), 5}}));
  RunStep(scheduler);
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{a.get(), 7}, {b.get(), 1}}));
}

TEST(SchedulerTest, TheFirstPromptAlwaysGetsAPiece) {
  BlockAllocator allocator(256, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 8, .prefix_cache = false},
                      allocator);
  const auto large = NewSequence(400, 4);
  ASSERT_THAT(scheduler.Add(*large), IsOk());
  std::vector<std::unique_ptr<Sequence>> small;
  for (int step = 0; step < 6; ++step) {
    small.push_back(NewSequence(64, 4));
    ASSERT_THAT(scheduler.Add(*small.back()), IsOk());
    EXPECT_GE(Entries(scheduler.Schedule()).at(large.get()), 8);
    RunStep(scheduler);
  }
}

TEST(SchedulerTest, PiecesGetShorterDeepInAPrompt) {
  BlockAllocator allocator(512, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64,
                       .max_sequences = 4,
                       .prefix_cache = false,
                       .attention_crossover = 100},
                      allocator);
  const auto sequence = NewSequence(1000, 4);
  ASSERT_THAT(scheduler.Add(*sequence), IsOk());
  std::int32_t last = 65;
  while (sequence->num_computed < 900) {
    const std::int32_t count = Entries(scheduler.Schedule()).at(sequence.get());
    EXPECT_LE(count, last);
    EXPECT_GE(count, 1);
    last = count;
    RunStep(scheduler);
  }
  // At position 900 a token is ten times the work of the first.
  EXPECT_EQ(last, 6);
}

TEST(SchedulerTest, AShortPromptGetsItsShareOfTheWorkBesideALongOneAtEveryDepth) {
  BlockAllocator allocator(4096, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 128,
                       .max_sequences = 4,
                       .prefix_cache = false,
                       .attention_crossover = 2000},
                      allocator);
  const auto large = NewSequence(10'000, 4);
  ASSERT_THAT(scheduler.Add(*large), IsOk());
  for (const std::int32_t position : {0, 8000}) {
    while (large->num_computed < position) RunStep(scheduler);
    const auto small = NewSequence(100, 4);
    ASSERT_THAT(scheduler.Add(*small), IsOk());
    const auto entries = Entries(scheduler.Schedule());
    EXPECT_EQ(entries.at(small.get()), 100);
    // Of 128 tokens' work the small one leaves some 25; a token at 8,000 is that of five.
    EXPECT_NEAR(entries.at(large.get()), position == 0 ? 25 : 5, 1);
    RunStep(scheduler);
    scheduler.Remove(*small);
  }
}

TEST(SchedulerTest, HighPriorityPromptsGoFirst) {
  BlockAllocator allocator(64, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 16, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto batch = NewSequence(20, 4);
  const auto interactive = NewSequence(30, 4);
  interactive->request.scheduling.priority = Priority::kInteractive;
  ASSERT_THAT(scheduler.Add(*batch), IsOk());
  ASSERT_THAT(scheduler.Add(*interactive), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{batch.get(), 2}, {interactive.get(), 14}}));
}

TEST(SchedulerTest, LowPriorityIsPreemptedFirstUntilItHasGivenWayOften) {
  for (const std::int32_t earlier_preemptions : {0, 4}) {
    BlockAllocator allocator(6, kBlockSize);
    Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .prefix_cache = false},
                        allocator);
    const auto low = NewSequence(8, 8);
    low->request.scheduling.priority = Priority::kBatch;
    low->num_preemptions = earlier_preemptions;
    const auto high = NewSequence(8, 8);
    ASSERT_THAT(scheduler.Add(*low), IsOk());
    ASSERT_THAT(scheduler.Add(*high), IsOk());
    RunStep(scheduler);
    ASSERT_EQ(scheduler.num_running(), 2);
    // Each takes a third block; of the fourth there is none.
    while (scheduler.num_preemptions() == 0) RunStep(scheduler);
    const auto& junior = earlier_preemptions == 0 ? low : high;
    const auto& senior = earlier_preemptions == 0 ? high : low;
    EXPECT_EQ(junior->state, SequenceState::kWaiting);
    EXPECT_EQ(senior->state, SequenceState::kRunning);
  }
}

TEST(SchedulerTest, PausedSequencesKeepTheirBlocksUntilOthersNeedThem) {
  BlockAllocator allocator(5, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4, .prefix_cache = false},
                      allocator);
  const auto paused = NewSequence(8, 8);
  ASSERT_THAT(scheduler.Add(*paused), IsOk());
  RunStep(scheduler);
  scheduler.SetPaused(*paused, true);
  EXPECT_TRUE(scheduler.Schedule().entries.empty());
  EXPECT_FALSE(scheduler.is_idle());
  EXPECT_EQ(allocator.num_free(), 3);
  scheduler.SetPaused(*paused, false);
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{paused.get(), 1}}));
  RunStep(scheduler);
  scheduler.SetPaused(*paused, true);
  const auto other = NewSequence(16, 4);
  ASSERT_THAT(scheduler.Add(*other), IsOk());
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{other.get(), 16}}));
  EXPECT_EQ(paused->state, SequenceState::kWaiting);
  RunStep(scheduler);
  scheduler.Remove(*other);
  EXPECT_TRUE(scheduler.Schedule().entries.empty());
  scheduler.SetPaused(*paused, false);
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{paused.get(), 10}}));
}

TEST(SchedulerTest, APrefixThatIsBeingComputedIsWaitedFor) {
  BlockAllocator allocator(32, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 8, .max_sequences = 4}, allocator);
  const auto first = NewSequence(14, 4);
  const auto second = NewSequence(15, 4);
  const auto other = NewSequence(6, 4);
  other->tokens.assign(6, 1);
  for (const auto* sequence : {&first, &second, &other}) {
    ASSERT_THAT(scheduler.Add(**sequence), IsOk());
  }
  // The second waits for what the first computes; the third need not.
  EXPECT_EQ(Entries(scheduler.Schedule()), (Expected{{first.get(), 2}, {other.get(), 6}}));
  RunStep(scheduler);
  RunStep(scheduler);
  EXPECT_EQ(second->state, SequenceState::kWaiting);
  RunStep(scheduler);
  EXPECT_EQ(first->num_computed, 14);
  EXPECT_EQ(Entries(scheduler.Schedule()).at(second.get()), 3);
  EXPECT_EQ(second->num_cached, 12);
  scheduler.Commit();
  // If the one that computes goes away, another one computes.
  const auto third = NewSequence(40, 4);
  third->tokens.assign(40, 2);
  const auto fourth = NewSequence(40, 4);
  fourth->tokens = third->tokens;
  ASSERT_THAT(scheduler.Add(*third), IsOk());
  ASSERT_THAT(scheduler.Add(*fourth), IsOk());
  RunStep(scheduler);
  EXPECT_EQ(fourth->state, SequenceState::kWaiting);
  scheduler.Remove(*third);
  RunStep(scheduler);
  EXPECT_EQ(fourth->state, SequenceState::kRunning);
}

TEST(SchedulerTest, PrefixesAreSharedUnderOneSaltAlone) {
  BlockAllocator allocator(32, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4}, allocator);
  const auto run = [&](const std::string& salt, const std::string& client) {
    const auto sequence = NewSequence(9, 4);
    sequence->request.scheduling = {.client = client, .group = {}, .cache_salt = salt};
    EXPECT_THAT(scheduler.Add(*sequence), IsOk());
    RunStep(scheduler);
    scheduler.Remove(*sequence);
    return std::pair(sequence->num_cached, sequence->prefix_miss.miss);
  };
  EXPECT_EQ(run("a", "x"), std::pair(0, PrefixMiss::kUnseen));
  EXPECT_EQ(run("a", "x"), std::pair(8, PrefixMiss::kNone));
  EXPECT_EQ(run("a", "y"), std::pair(8, PrefixMiss::kNone));
  EXPECT_EQ(run("b", "x"), std::pair(0, PrefixMiss::kOtherSalt));
  // What others did under their salts nobody learns.
  EXPECT_EQ(run("c", "z"), std::pair(0, PrefixMiss::kUnseen));
}

TEST(SchedulerTest, TheReasonOfAMissIsGiven) {
  BlockAllocator allocator(8, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 64, .max_sequences = 4}, allocator);
  const auto run = [&](std::vector<TokenId> tokens) {
    const auto sequence = NewSequence(static_cast<std::int32_t>(tokens.size()), 4);
    sequence->tokens = std::move(tokens);
    EXPECT_THAT(scheduler.Add(*sequence), IsOk());
    RunStep(scheduler);
    scheduler.Remove(*sequence);
    return sequence->prefix_miss;
  };
  const std::vector<TokenId> prompt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(run(prompt).miss, PrefixMiss::kUnseen);
  EXPECT_EQ(run(prompt).miss, PrefixMiss::kNone);
  const PrefixMissReason differs = run({1, 2, 3, 4, 5, 6, 0, 8, 9});
  EXPECT_EQ(differs.miss, PrefixMiss::kDiffers);
  EXPECT_EQ(differs.differs_at, 6);
  EXPECT_EQ(run(std::vector<TokenId>(32, 11)).miss, PrefixMiss::kUnseen);
  EXPECT_EQ(run(prompt).miss, PrefixMiss::kEvicted);
}

TEST(SchedulerTest, ADraftIsComputedWithItsSequenceAndOnlyWhatIsRightStays) {
  BlockAllocator allocator(8, kBlockSize);
  Scheduler scheduler({.max_batch_tokens = 8, .max_sequences = 2, .prefix_cache = false},
                      allocator);
  const auto sequence = NewSequence(3, 20);
  ASSERT_THAT(scheduler.Add(*sequence), IsOk());
  RunStep(scheduler);
  sequence->draft = {9, 9, 5};
  const Batch& batch = scheduler.Schedule();
  ASSERT_EQ(batch.entries.size(), 1u);
  EXPECT_EQ(batch.entries[0].num_tokens, 4);
  EXPECT_EQ(batch.entries[0].num_draft, 3);
  EXPECT_TRUE(batch.entries[0].completes());
  sequence->tokens.insert(sequence->tokens.end(), {9, 9, 9});  // two guesses were right
  scheduler.Commit();
  EXPECT_EQ(sequence->num_computed, 6);
  EXPECT_EQ(sequence->num_uncomputed(), 1);
  // Without free blocks there is no room for guesses.
  const auto large = NewSequence(18, 2);
  large->tokens.assign(18, 3);
  sequence->draft.clear();
  ASSERT_THAT(scheduler.Add(*large), IsOk());
  RunStep(scheduler);
  sequence->draft.assign(7, 9);
  for (const BatchEntry& entry : scheduler.Schedule().entries) {
    if (entry.sequence == sequence.get()) {
      EXPECT_LE(entry.num_draft, 4);
    }
  }
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

}  // namespace
}  // namespace quire::engine
