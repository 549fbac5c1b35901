#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/scheduler/scheduler.h"
#include "tests/support/scheduler_steps.h"
#include "tests/support/status_matchers.h"

namespace quire::engine {
namespace {

using testing::IsOk;
using testing::kBlockSize;
using testing::NewSequence;

// Slot to hash of the tokens up to its own.
using FakeCache = std::map<std::int32_t, std::size_t>;

// Keeps a few blocks of a FakeCache and forgets one now and then.
class FakeTier final : public BlockTier {
 public:
  FakeTier(FakeCache& cache, std::mt19937& random) : cache_(cache), random_(random) {}

  void Save(const BlockKey& key, BlockId block) override {
    constexpr std::size_t kMaxBlocks = 6;
    if (saved_.size() >= kMaxBlocks || (!saved_.empty() && random_() % 8 == 0)) {
      saved_.erase(saved_.begin());
    }
    for (std::int32_t i = 0; i < kBlockSize; ++i) saved_[key.digest][i] = cache_.at(Slot(block, i));
  }
  bool Restore(const BlockKey& key, BlockId block) override {
    const auto found = saved_.find(key.digest);
    if (found == saved_.end()) return false;
    for (std::int32_t i = 0; i < kBlockSize; ++i) cache_[Slot(block, i)] = found->second.at(i);
    ++num_restored_;
    return true;
  }
  void Clear() override { saved_.clear(); }

  int num_restored() const { return num_restored_; }

 private:
  static std::int32_t Slot(BlockId block, std::int32_t offset) {
    return static_cast<std::int32_t>(block) * kBlockSize + offset;
  }

  FakeCache& cache_;
  std::mt19937& random_;
  std::map<std::array<std::uint8_t, 32>, FakeCache> saved_;
  int num_restored_ = 0;
};

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
        scheduler_(limits_, allocator_, has_tier() ? &tier_ : nullptr) {}

  bool has_tier() const { return GetParam() % 4 == 0; }

  // A seed may bring no block back; all of them together do.
  static void TearDownTestSuite() { EXPECT_GT(num_restored_, 0); }

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

  static inline int num_restored_ = 0;  // by all seeds
  bool may_pause_ = true;
  FakeCache cache_;
  std::mt19937 random_;
  FakeTier tier_{cache_, random_};
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
  num_restored_ += tier_.num_restored();
  if (!has_tier()) {
    EXPECT_EQ(tier_.num_restored(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerPropertyTest, ::testing::Range(0u, 40u));

}  // namespace
}  // namespace quire::engine
