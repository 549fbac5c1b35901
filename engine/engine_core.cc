#include "engine/engine_core.h"

#include <algorithm>

#include "base/check.h"
#include "engine/sampling/logits.h"
#include "engine/sampling/philox.h"

namespace quire::engine {

KvCacheShape KvShape(const ModelConfig& config, const EngineCoreOptions& options) {
  return {.num_layers = config.num_layers,
          .num_kv_heads = config.num_kv_heads,
          .head_dim = config.head_dim,
          .block_size = options.block_size,
          .dtype = options.kv_cache_dtype};
}

StatusOr<std::unique_ptr<EngineCore>> EngineCore::Create(std::unique_ptr<Transformer> transformer,
                                                         const EngineCoreOptions& options,
                                                         kernels::Device& device) {
  const KvCacheShape shape = KvShape(transformer->config(), options);
  QUIRE_ASSIGN_OR_RETURN(auto kv_cache, KvCache::Create(shape, options.num_blocks, device));
  return std::unique_ptr<EngineCore>(
      new EngineCore(std::move(transformer), std::move(kv_cache), options));
}

EngineCore::EngineCore(std::unique_ptr<Transformer> transformer, std::unique_ptr<KvCache> kv_cache,
                       const EngineCoreOptions& options)
    : transformer_(std::move(transformer)),
      kv_cache_(std::move(kv_cache)),
      allocator_(options.num_blocks, options.block_size),
      scheduler_(options.limits, allocator_) {}

StatusOr<std::span<const StepResult>> EngineCore::Step() {
  results_.clear();
  const Batch& batch = scheduler_.Schedule();
  QUIRE_CHECK(!batch.entries.empty() || scheduler_.is_idle());
  if (batch.entries.empty()) return std::span<const StepResult>();
  FillForwardBatch(batch, allocator_.block_size(), forward_batch_);
  CollectRows(batch);
  transformer_->Forward(forward_batch_, *kv_cache_);
  if (Status status = ComputeLogits(); !status.ok()) {
    allocator_.ForgetKeys();
    return status;
  }
  scheduler_.Commit();
  // What gave no finite logits may lie in blocks that others would find.
  const auto failed = [](const StepResult& result) { return !result.status.ok(); };
  if (std::ranges::any_of(results_, failed)) allocator_.ForgetKeys();
  for (StepResult& result : results_) {
    if (result.token) AppendToken(result);
  }
  return std::span<const StepResult>(results_);
}

void EngineCore::CollectRows(const Batch& batch) {
  rows_.clear();
  std::int32_t first_row = 0;
  for (const BatchEntry& entry : batch.entries) {
    const Sequence& sequence = *entry.sequence;
    const std::size_t result = results_.size();
    results_.push_back(
        {.sequence = entry.sequence, .status = {}, .token = {}, .prompt_logprobs = {}});
    for (std::int32_t i = 0; i < entry.num_tokens; ++i) {
      const std::int32_t position = sequence.num_computed + i;
      const bool scores = sequence.request.num_prompt_logprobs.has_value() &&
                          position + 1 >= sequence.num_scored &&
                          position + 1 < sequence.num_prompt_tokens();
      const bool samples =
          position + 1 == sequence.num_tokens() && sequence.request.max_new_tokens > 0;
      if (scores || samples) {
        rows_.push_back({.row = first_row + i, .result = result, .position = position});
      }
    }
    first_row += entry.num_tokens;
  }
}

Status EngineCore::ComputeLogits() {
  if (rows_.empty()) return transformer_->Wait();
  const auto vocab_size = static_cast<std::size_t>(transformer_->config().vocab_size);
  const auto max_rows = static_cast<std::size_t>(transformer_->limits().max_logit_rows);
  for (std::size_t begin = 0; begin < rows_.size(); begin += max_rows) {
    const std::size_t count = std::min(max_rows, rows_.size() - begin);
    row_numbers_.clear();
    for (std::size_t i = 0; i < count; ++i) row_numbers_.push_back(rows_[begin + i].row);
    QUIRE_ASSIGN_OR_RETURN(const std::span<const float> logits, transformer_->Logits(row_numbers_));
    for (std::size_t i = 0; i < count; ++i) {
      UseLogits(rows_[begin + i], logits.subspan(i * vocab_size, vocab_size));
    }
  }
  return OkStatus();
}

void EngineCore::UseLogits(const LogitRow& row, std::span<const float> logits) {
  StepResult& result = results_[row.result];
  if (!result.status.ok()) return;
  if (row.position + 1 < result.sequence->num_tokens()) {
    ScorePrompt(result, row.position, logits);
  } else {
    result.status = SampleToken(result, logits);
  }
}

void EngineCore::ScorePrompt(StepResult& result, std::int32_t position,
                             std::span<const float> logits) {
  Sequence& sequence = *result.sequence;
  if (const auto max = ArgMax(logits); !max.ok()) {
    result.status = max.status();
    return;
  }
  const TokenId next = sequence.tokens[static_cast<std::size_t>(position) + 1];
  result.prompt_logprobs.push_back(Score(logits, next, *sequence.request.num_prompt_logprobs));
  sequence.num_scored = position + 2;
}

Status EngineCore::SampleToken(StepResult& result, std::span<const float> logits) {
  const Sequence& sequence = *result.sequence;
  const auto draw = static_cast<std::uint64_t>(sequence.num_output_tokens());
  const SamplingParams& params = sequence.request.sampling;
  QUIRE_ASSIGN_OR_RETURN(const std::span<const float> processed,
                         logits_processor_.Process(logits, params, sequence.sampling));
  QUIRE_ASSIGN_OR_RETURN(const TokenId id,
                         sampler_.Sample(processed, params, UniformAt(sequence.seed, draw)));
  const std::optional<std::int32_t>& num_top = sequence.request.num_logprobs;
  result.token = num_top ? Score(logits, id, *num_top)
                         : ScoredToken{.token = {.id = id, .logprob = 0.0f}, .top = {}};
  return OkStatus();
}

void EngineCore::AppendToken(StepResult& result) {
  Sequence& sequence = *result.sequence;
  const TokenId id = result.token->token.id;
  sequence.tokens.push_back(id);
  result.is_complete = logits_processor_.Accept(id, sequence.request.sampling, sequence.sampling);
}

}  // namespace quire::engine
