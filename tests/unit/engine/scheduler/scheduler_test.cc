#include "engine/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
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
    EXPECT_GE(count, 8);
    last = count;
    RunStep(scheduler);
  }
  // At position 900 a token is ten times the work of the first.
  EXPECT_EQ(last, 8);
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
    SchedulingParams& params = sequences_.back()->request.scheduling;
    params.priority = static_cast<Priority>(Random(0, 2));
    params.client = std::string(1, static_cast<char>('a' + Random(0, 2)));
    params.group = std::string(static_cast<std::size_t>(Random(0, 2)), 'g');
    params.cache_salt = std::string(static_cast<std::size_t>(Random(0, 1)), 's');
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
      std::size_t prefix = StartOf(*sequence);
      for (std::int32_t i = 0; i < sequence->num_computed; ++i) {
        prefix = HashWith(prefix, sequence->tokens[static_cast<std::size_t>(i)]);
        ASSERT_EQ(cache_.at(sequence->blocks.Slot(i, kBlockSize)), prefix);
      }
    }
  }

  // Under different salts equal tokens must not share what they hold.
  static std::size_t StartOf(const Sequence& sequence) {
    return sequence.request.scheduling.cache_salt.size();
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
      ASSERT_FALSE(entry.sequence->is_paused);
      ASSERT_LE(entry.num_tokens - entry.num_draft, entry.sequence->num_uncomputed());
      const std::int64_t reach = entry.sequence->num_computed + entry.num_tokens;
      const auto room =
          static_cast<std::int64_t>(entry.sequence->blocks.blocks().size()) * kBlockSize;
      ASSERT_LE(reach, room);
    }
    const bool is_stuck =
        std::ranges::all_of(sequences_, [](const auto& sequence) { return sequence->is_paused; });
    ASSERT_EQ(batch.entries.empty(), is_stuck);
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
    for (const BatchEntry& entry : batch.entries) {
      WriteCache(entry);
      Sequence& sequence = *entry.sequence;
      if (!entry.completes()) continue;
      sequence.tokens.push_back(9);
      // A guess that is right gives another token.
      for (std::int32_t i = 0; i < entry.num_draft && sequence.draft[Index(i)] == 9; ++i) {
        sequence.tokens.push_back(9);
      }
    }
    scheduler_.Commit();
    for (const auto& sequence : sequences_) GuessOrPause(*sequence);
  }

  static std::size_t Index(std::int32_t i) { return static_cast<std::size_t>(i); }

  void GuessOrPause(Sequence& sequence) {
    const bool decodes =
        sequence.state == SequenceState::kRunning && sequence.num_uncomputed() == 1;
    sequence.draft.clear();
    if (decodes && Random(0, 3) == 0) {
      const std::int32_t room = kContext - sequence.num_tokens();
      for (std::int32_t i = 0; i < std::min(Random(0, 4), room); ++i) {
        sequence.draft.push_back(Random(8, 9));
      }
    }
    if (may_pause_ && Random(0, 49) == 0) scheduler_.SetPaused(sequence, !sequence.is_paused);
    if (!may_pause_ && sequence.is_paused) scheduler_.SetPaused(sequence, false);
    if (decodes && Random(0, 199) == 0) scheduler_.Preempt(sequence);
  }

  void WriteCache(const BatchEntry& entry) {
    const Sequence& sequence = *entry.sequence;
    std::size_t prefix = StartOf(sequence);
    for (std::int32_t i = 0; i < sequence.num_computed + entry.num_tokens; ++i) {
      const bool is_draft = i >= sequence.num_tokens();
      prefix = HashWith(prefix, is_draft ? sequence.draft[Index(i - sequence.num_tokens())]
                                         : sequence.tokens[Index(i)]);
      if (i >= sequence.num_computed) cache_[sequence.blocks.Slot(i, kBlockSize)] = prefix;
    }
  }

  bool may_pause_ = true;
  std::map<std::int32_t, std::size_t> cache_;  // slot -> hash of the tokens up to its own
  std::mt19937 random_;
  const SchedulerLimits limits_;
  BlockAllocator allocator_;
  Scheduler scheduler_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
};

TEST_P(SchedulerPropertyTest, InvariantsHoldAndEveryRequestFinishes) {
  // 40 seeds: 100,000 steps and more.
  for (int i = 0; i < 2'500; ++i) {
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
  may_pause_ = false;
  for (const auto& sequence : sequences_) scheduler_.SetPaused(*sequence, false);
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
