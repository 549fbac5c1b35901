#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/kv/block_allocator.h"
#include "engine/kv/host_tier.h"
#include "engine/kv/kv_cache.h"
#include "engine/model/transformer.h"
#include "engine/sampling/logits_processor.h"
#include "engine/sampling/sampler.h"
#include "engine/scheduler/scheduler.h"
#include "kernels/device.h"

namespace quire::engine {

struct EngineCoreOptions {
  std::int32_t block_size = 16;
  std::int32_t num_blocks = 0;
  kernels::DType kv_cache_dtype = kernels::DType::kF32;
  std::int64_t host_tier_bytes = 0;  // host memory for blocks that are handed out again; 0: none
  SchedulerLimits limits;
};

// The cache that `config` needs under `options`.
KvCacheShape KvShape(const ModelConfig& config, const EngineCoreOptions& options);

// What a step did for one sequence of its batch.
struct StepResult {
  Sequence* sequence = nullptr;
  Status status;                             // DATA_LOSS: its logits are not finite
  std::vector<ScoredToken> tokens;           // sampled and appended; log-probs if asked for
  bool is_complete = false;                  // the constraint lets nothing follow the last of them
  std::int32_t num_draft = 0;                // tokens that were guessed ahead
  std::vector<ScoredToken> prompt_logprobs;  // that became known, if asked for
};

// Model, cache, scheduler and sampler on one thread: Begin schedules a step and enqueues it, Finish
// waits for its tokens. A sequence with a draft gets more than one token where the sampler chooses
// what was guessed: what is sampled depends on logits and position alone, so the output is the same
// without.
// Knows token ids only; text, streams and threads are Engine's.
//
// Engine thread only.
class EngineCore {
 public:
  ~EngineCore();

  // Allocates the cache on `device`, which must be the transformer's and outlive this. Returns
  // RESOURCE_EXHAUSTED if the memory is not there, UNIMPLEMENTED if the device does not keep a
  // cache of this type. The window of `options` is the model's, whatever it says. Requires:
  // max_batch_tokens is the transformer's.
  static StatusOr<std::unique_ptr<EngineCore>> Create(std::unique_ptr<Transformer> transformer,
                                                      const EngineCoreOptions& options,
                                                      kernels::Device& device);

  // Queues a sequence, which must stay until Remove. Returns RESOURCE_EXHAUSTED if its prompt
  // does not fit the cache. Requires: it never outgrows the cache.
  Status Add(Sequence& sequence) { return scheduler_.Add(sequence); }
  // Forgets a sequence and frees its blocks, in the middle of a step too: it gives no result then.
  void Remove(Sequence& sequence);
  // See Scheduler.
  void SetPaused(Sequence& sequence, bool is_paused) { scheduler_.SetPaused(sequence, is_paused); }
  void Preempt(Sequence& sequence) { scheduler_.Preempt(sequence); }

  // Enqueues one batch; nothing if every sequence is paused or there is none. On a device that is
  // not asynchronous it is computed then. Until Finish, sequences may be added and removed.
  void Begin();
  // Waits for the batch that Begin enqueued; nothing if there is none. A sequence gets tokens when
  // its last known one is computed, unless it wants none (max_new_tokens is 0); the caller removes
  // what is finished before the next Begin. Valid until the next call. Returns INTERNAL if a kernel
  // failed, UNAVAILABLE if the device is lost, DATA_LOSS as Transformer::CheckFiles: what the
  // running sequences have in the cache is lost.
  StatusOr<std::span<const StepResult>> Finish();
  // Both.
  StatusOr<std::span<const StepResult>> Step() {
    Begin();
    return Finish();
  }
  // Whether there is a batch to wait for.
  bool has_begun() const { return has_begun_; }
  // Whether the CPU is free between Begin and Finish.
  bool is_asynchronous() const { return is_asynchronous_; }

  const Scheduler& scheduler() const { return scheduler_; }
  const BlockAllocator& allocator() const { return allocator_; }
  const Transformer& transformer() const { return *transformer_; }
  const KvCache& kv_cache() const { return *kv_cache_; }
  // Null if there is none.
  const HostTier* host_tier() const { return host_tier_.get(); }

 private:
  // A row of hidden states whose logits are wanted.
  struct LogitRow {
    std::int32_t row = 0;       // in the batch
    std::size_t result = 0;     // in results_
    std::int32_t position = 0;  // of the row's token in its sequence
    bool samples = false;       // else it scores the prompt
    bool needs_logits = false;  // in host memory, and not just a token
  };

  EngineCore(std::unique_ptr<Transformer> transformer, std::unique_ptr<KvCache> kv_cache,
             std::unique_ptr<HostTier> host_tier, const EngineCoreOptions& options,
             bool is_asynchronous);

  void CollectRows(const Batch& batch);
  void CollectRow(const BatchEntry& entry, std::int32_t position, std::int32_t row);
  static bool NeedsLogits(const BatchEntry& entry);
  // The next of rows_ that have a place in one BeginPredict call.
  std::span<const LogitRow> PartAt(std::size_t begin) const;
  void BeginPart(std::span<const LogitRow> rows);
  Status FinishPart(std::span<const LogitRow> rows);
  Status FinishAllParts();
  // Adds how the row's token is sampled to sampling_.
  void AddSampling(const LogitRow& row);
  void UseLogits(const LogitRow& row, std::span<const float> logits);
  void UseSample(const LogitRow& row, std::int32_t sample);
  // Whether the row's token is the sequence's last one: a guess counts if it is what was sampled in
  // its place.
  bool IsNext(const LogitRow& row) const;
  void ScorePrompt(StepResult& result, std::int32_t position, std::span<const float> logits);
  Status SampleToken(StepResult& result, std::span<const float> logits);
  void Append(StepResult& result, ScoredToken token);
  // Takes in how many guesses were right and makes the next ones.
  void UpdateDraft(const StepResult& result);

  const std::unique_ptr<Transformer> transformer_;
  const std::unique_ptr<KvCache> kv_cache_;
  const std::unique_ptr<HostTier> host_tier_;  // null: none
  BlockAllocator allocator_;
  Scheduler scheduler_;
  LogitsProcessor logits_processor_;
  Sampler sampler_;
  ForwardBatch forward_batch_;
  std::vector<LogitRow> rows_;             // of the step
  std::vector<std::int32_t> row_numbers_;  // of one Predict call
  Transformer::Sampling sampling_;         // of one Predict call
  std::vector<StepResult> results_;        // of the step; without a sequence: it was removed
  std::vector<StepResult> finished_;       // of the last Finish
  const bool is_asynchronous_;
  bool has_begun_ = false;
};

}  // namespace quire::engine
