#include "engine/engine_core.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "engine/sampling/logits.h"
#include "engine/sampling/philox.h"

namespace quire::engine {

namespace {

SchedulerLimits WithWindow(SchedulerLimits limits, const ModelConfig& config) {
  limits.window = config.LargestWindow();
  return limits;
}

}  // namespace

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
  std::unique_ptr<HostTier> host_tier;
  if (options.host_tier_bytes > 0) {
    QUIRE_ASSIGN_OR_RETURN(host_tier, HostTier::Create(*kv_cache, options.host_tier_bytes, device,
                                                       transformer->stream()));
  }
  return std::unique_ptr<EngineCore>(new EngineCore(std::move(transformer), std::move(kv_cache),
                                                    std::move(host_tier), options,
                                                    device.is_asynchronous()));
}

EngineCore::EngineCore(std::unique_ptr<Transformer> transformer, std::unique_ptr<KvCache> kv_cache,
                       std::unique_ptr<HostTier> host_tier, const EngineCoreOptions& options,
                       bool is_asynchronous)
    : transformer_(std::move(transformer)),
      kv_cache_(std::move(kv_cache)),
      host_tier_(std::move(host_tier)),
      allocator_(options.num_blocks, options.block_size),
      scheduler_(WithWindow(options.limits, transformer_->config()), allocator_, host_tier_.get()),
      is_asynchronous_(is_asynchronous) {}

// What is enqueued reads the arrays of this.
EngineCore::~EngineCore() {
  if (has_begun_) static_cast<void>(transformer_->Wait());
}

void EngineCore::Remove(Sequence& sequence) {
  for (StepResult& result : results_) {
    if (result.sequence == &sequence) result.sequence = nullptr;
  }
  scheduler_.Remove(sequence);
}

void EngineCore::Begin() {
  QUIRE_DCHECK(!has_begun_);
  const Batch& batch = scheduler_.Schedule();
  if (batch.entries.empty()) return;
  has_begun_ = true;
  FillForwardBatch(batch, allocator_.block_size(), forward_batch_);
  CollectRows(batch);
  // One product with the vocabulary serves both kinds.
  std::ranges::stable_partition(rows_, [](const LogitRow& row) { return !row.needs_logits; });
  transformer_->Forward(forward_batch_, *kv_cache_);
  if (!rows_.empty()) BeginPart(PartAt(0));
}

StatusOr<std::span<const StepResult>> EngineCore::Finish() {
  finished_.clear();
  if (!has_begun_) return std::span<const StepResult>();
  has_begun_ = false;
  const Status status = FinishAllParts();
  finished_.swap(results_);
  std::erase_if(finished_, [](const StepResult& result) { return result.sequence == nullptr; });
  const auto failed = [](const StepResult& result) { return !result.status.ok(); };
  // What gave no finite logits may lie in blocks that others would find.
  const bool is_sound = status.ok() && !std::ranges::any_of(finished_, failed);
  if (status.ok()) scheduler_.Commit();
  if (!is_sound) scheduler_.ForgetPrefixes();
  QUIRE_RETURN_IF_ERROR(status);
  for (const StepResult& result : finished_) UpdateDraft(result);
  return std::span<const StepResult>(finished_);
}

void EngineCore::CollectRows(const Batch& batch) {
  rows_.clear();
  results_.clear();
  std::int32_t row = 0;
  for (const BatchEntry& entry : batch.entries) {
    results_.push_back({.sequence = entry.sequence,
                        .status = {},
                        .tokens = {},
                        .num_draft = entry.num_draft,
                        .prompt_logprobs = {}});
    for (std::int32_t i = 0; i < entry.num_tokens; ++i) {
      CollectRow(entry, entry.sequence->num_computed + i, row++);
    }
  }
}

void EngineCore::CollectRow(const BatchEntry& entry, std::int32_t position, std::int32_t row) {
  const Sequence& sequence = *entry.sequence;
  const Request& request = sequence.request;
  const bool scores = request.num_prompt_logprobs.has_value() &&
                      position + 1 >= sequence.num_scored &&
                      position + 1 < sequence.num_prompt_tokens();
  const bool samples = position + 1 >= sequence.num_tokens() && request.max_new_tokens > 0;
  if (!scores && !samples) return;
  rows_.push_back({.row = row,
                   .result = results_.size() - 1,
                   .position = position,
                   .samples = samples,
                   .needs_logits = scores || NeedsLogits(entry)});
}

bool EngineCore::NeedsLogits(const BatchEntry& entry) {
  const Request& request = entry.sequence->request;
  const SamplingParams& params = request.sampling;
  const SamplingState& state = entry.sequence->sampling;
  if (request.num_logprobs || params.typical_p < 1.0f) return true;
  // What follows a guess is changed by what the guess turns out to be.
  if (entry.num_draft > 0 && LogitsProcessor::Changes(params, state)) return true;
  return LogitsProcessor::MaxChanges(params, state) > Transformer::kMaxChangesOfRow;
}

std::span<const EngineCore::LogitRow> EngineCore::PartAt(std::size_t begin) const {
  const auto max_rows = static_cast<std::size_t>(transformer_->limits().max_logit_rows);
  return std::span(rows_).subspan(begin, std::min(max_rows, rows_.size() - begin));
}

Status EngineCore::FinishAllParts() {
  if (rows_.empty()) return transformer_->Wait();
  for (std::size_t begin = 0; begin < rows_.size();) {
    const std::span<const LogitRow> part = PartAt(begin);
    if (begin > 0) BeginPart(part);
    QUIRE_RETURN_IF_ERROR(FinishPart(part));
    begin += part.size();
  }
  return OkStatus();
}

void EngineCore::BeginPart(std::span<const LogitRow> rows) {
  row_numbers_.clear();
  sampling_.rows.clear();
  sampling_.changes.clear();
  sampling_.masks.clear();
  for (const LogitRow& row : rows) {
    row_numbers_.push_back(row.row);
    if (!row.needs_logits) AddSampling(row);
  }
  transformer_->BeginPredict(row_numbers_, sampling_);
}

Status EngineCore::FinishPart(std::span<const LogitRow> rows) {
  QUIRE_ASSIGN_OR_RETURN(const Transformer::Predictions predictions, transformer_->FinishPredict());
  const std::size_t num_samples = predictions.samples.size();
  for (std::size_t i = 0; i < num_samples; ++i) UseSample(rows[i], predictions.samples[i]);
  const auto vocab_size = static_cast<std::size_t>(transformer_->config().vocab_size);
  for (std::size_t i = num_samples; i < rows.size(); ++i) {
    UseLogits(rows[i], predictions.logits.subspan((i - num_samples) * vocab_size, vocab_size));
  }
  return OkStatus();
}

void EngineCore::AddSampling(const LogitRow& row) {
  StepResult& result = results_[row.result];
  if (result.sequence == nullptr) {
    sampling_.rows.emplace_back();  // nobody takes its token
    return;
  }
  const Sequence& sequence = *result.sequence;
  const SamplingParams& params = sequence.request.sampling;
  const auto draw = static_cast<std::uint64_t>(row.position + 1 - sequence.num_prompt_tokens());
  kernels::SampleRow how = SampleRowOf(params, UniformAt(sequence.seed, draw));
  LogitsProcessor::AppendChanges(params, sequence.sampling,
                                 static_cast<std::int32_t>(sampling_.rows.size()),
                                 sampling_.changes);
  if (LogitsProcessor::HasMask(sequence.sampling)) {
    const std::size_t begin = sampling_.masks.size();
    const auto words =
        static_cast<std::size_t>(kernels::MaskWords(transformer_->config().vocab_size));
    how.mask = static_cast<std::int32_t>(begin / words);
    sampling_.masks.resize(begin + words);
    result.status =
        logits_processor_.FillMask(sequence.sampling, std::span(sampling_.masks).subspan(begin));
    // Its token is left alone, but some must be there to choose.
    if (!result.status.ok()) how.mask = -1;
  }
  sampling_.rows.push_back(how);
}

bool EngineCore::IsNext(const LogitRow& row) const {
  const StepResult& result = results_[row.result];
  if (result.sequence == nullptr) return false;
  const std::vector<TokenId>& tokens = result.sequence->tokens;
  const auto position = static_cast<std::size_t>(row.position);
  const TokenId id = forward_batch_.ids[static_cast<std::size_t>(row.row)];
  return result.status.ok() && !result.is_complete && position + 1 == tokens.size() &&
         tokens[position] == id;
}

void EngineCore::UseSample(const LogitRow& row, std::int32_t sample) {
  if (!IsNext(row)) return;
  StepResult& result = results_[row.result];
  const StatusOr<TokenId> id = SampledToken(sample);
  result.status = id.status();
  if (id.ok()) Append(result, {.token = {.id = *id, .logprob = 0.0f}, .top = {}});
}

void EngineCore::UseLogits(const LogitRow& row, std::span<const float> logits) {
  StepResult& result = results_[row.result];
  if (result.sequence == nullptr) return;
  if (!row.samples) {
    if (result.status.ok()) ScorePrompt(result, row.position, logits);
  } else if (IsNext(row)) {
    result.status = SampleToken(result, logits);
  }
}

void EngineCore::ScorePrompt(StepResult& result, std::int32_t position,
                             std::span<const float> logits) {
  Sequence& sequence = *result.sequence;
  result.status = CheckFinite(logits);
  if (!result.status.ok()) return;
  const TokenId next = sequence.tokens[static_cast<std::size_t>(position) + 1];
  result.prompt_logprobs.push_back(Score(logits, next, *sequence.request.num_prompt_logprobs));
  sequence.num_scored = position + 2;
}

Status EngineCore::SampleToken(StepResult& result, std::span<const float> logits) {
  Sequence& sequence = *result.sequence;
  const auto draw = static_cast<std::uint64_t>(sequence.num_output_tokens());
  const SamplingParams& params = sequence.request.sampling;
  QUIRE_ASSIGN_OR_RETURN(const std::span<const float> processed,
                         logits_processor_.Process(logits, params, sequence.sampling));
  QUIRE_ASSIGN_OR_RETURN(const TokenId id,
                         sampler_.Sample(processed, params, UniformAt(sequence.seed, draw)));
  const std::optional<std::int32_t>& num_top = sequence.request.num_logprobs;
  Append(result, num_top ? Score(logits, id, *num_top)
                         : ScoredToken{.token = {.id = id, .logprob = 0.0f}, .top = {}});
  return OkStatus();
}

void EngineCore::Append(StepResult& result, ScoredToken token) {
  Sequence& sequence = *result.sequence;
  const TokenId id = token.token.id;
  sequence.tokens.push_back(id);
  result.tokens.push_back(std::move(token));
  result.is_complete = logits_processor_.Accept(id, sequence.request.sampling, sequence.sampling);
}

void EngineCore::UpdateDraft(const StepResult& result) {
  Sequence& sequence = *result.sequence;
  if (!sequence.prompt_lookup || result.tokens.empty()) return;
  if (result.num_draft > 0) {
    sequence.prompt_lookup->Learn(result.num_draft,
                                  static_cast<std::int32_t>(result.tokens.size()) - 1);
  }
  sequence.draft = sequence.prompt_lookup->Guess(sequence.tokens);
  // The output may end before the guesses do.
  const std::int32_t rest = sequence.request.max_new_tokens - sequence.num_output_tokens() - 1;
  const auto max_size = static_cast<std::size_t>(std::max(rest, 0));
  sequence.draft.resize(std::min(sequence.draft.size(), max_size));
}

}  // namespace quire::engine
