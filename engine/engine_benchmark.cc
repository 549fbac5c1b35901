#include "engine/engine_benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "engine/engine_core.h"
#include "engine/formats/model_weights.h"
#include "engine/model/random_weights.h"
#include "engine/model/shapes.h"
#include "engine/sampling/philox.h"

namespace quire::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int32_t kBlockSize = 16;
constexpr std::int32_t kMaxBatch = 1024;
constexpr std::int32_t kMinBatchTokens = 512;  // as EngineOptions
constexpr std::int32_t kWarmUpTokens = 2;

Status Validate(const BenchmarkOptions& options, const ModelConfig& config) {
  if (options.batch < 1 || options.batch > kMaxBatch) {
    return InvalidArgument("batch: wanted a number in [1, {}], have {}", kMaxBatch, options.batch);
  }
  if (options.prompt_tokens < 1 || options.new_tokens < 2) {
    return InvalidArgument(
        "wanted prompt_tokens of at least 1 and new_tokens of at least 2, have "
        "{} and {}",
        options.prompt_tokens, options.new_tokens);
  }
  const std::int64_t total = std::int64_t{options.prompt_tokens} + options.new_tokens;
  if (total > config.max_position_embeddings) {
    return InvalidArgument("prompt_tokens and new_tokens: wanted at most {} together, have {}",
                           config.max_position_embeddings, total);
  }
  return OkStatus();
}

// An encoder has no decode to measure.
Status RequireDecoder(const ModelConfig& config) {
  if (config.task == ModelTask::kGenerate) return OkStatus();
  return InvalidArgument("wanted a language model, have {}, which {}", config.architecture,
                         Purpose(config.task));
}

StatusOr<std::unique_ptr<EngineCore>> NewCore(const BenchmarkOptions& options,
                                              const ModelConfig& config,
                                              const WeightSource& weights,
                                              kernels::Device& device) {
  const TransformerLimits limits = {.max_batch_tokens = std::max(kMinBatchTokens, options.batch)};
  QUIRE_ASSIGN_OR_RETURN(auto transformer, Transformer::Load(config, weights, limits, device));
  const std::int64_t blocks_each =
      NumBlocksFor(std::int64_t{options.prompt_tokens} + options.new_tokens, kBlockSize) + 1;
  const EngineCoreOptions core_options = {
      .block_size = kBlockSize,
      .num_blocks = static_cast<std::int32_t>(blocks_each * options.batch),
      .kv_cache_dtype = options.kv_cache_dtype,
      .limits = {.max_batch_tokens = limits.max_batch_tokens, .max_sequences = options.batch}};
  return EngineCore::Create(std::move(transformer), core_options, device);
}

std::vector<TokenId> RandomPrompt(const BenchmarkOptions& options, std::int32_t sequence,
                                  std::int32_t vocab_size) {
  std::vector<TokenId> prompt;
  for (std::int32_t i = 0; i < options.prompt_tokens; ++i) {
    const auto index = (static_cast<std::uint64_t>(sequence) << 32) | static_cast<std::uint64_t>(i);
    prompt.push_back(static_cast<TokenId>(UniformAt(options.seed, index) * vocab_size));
  }
  return prompt;
}

// One run of `batch` sequences. Prefill lasts until every sequence has its first token.
struct Timings {
  double prefill_s = 0;
  double decode_s = 0;
  std::int64_t num_decode_steps = 0;
  std::int64_t num_decode_tokens = 0;
};

// Computes one step and removes what has its tokens. Returns how many tokens it sampled.
StatusOr<std::int64_t> StepOnce(EngineCore& core) {
  QUIRE_ASSIGN_OR_RETURN(const std::span<const StepResult> results, core.Step());
  std::int64_t num_tokens = 0;
  for (const StepResult& result : results) {
    QUIRE_RETURN_IF_ERROR(result.status);
    num_tokens += static_cast<std::int64_t>(result.tokens.size());
    Sequence& sequence = *result.sequence;
    if (sequence.num_output_tokens() >= sequence.request.max_new_tokens) core.Remove(sequence);
  }
  return num_tokens;
}

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

StatusOr<Timings> RunBatch(EngineCore& core, const BenchmarkOptions& options,
                           std::int32_t new_tokens) {
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (std::int32_t i = 0; i < options.batch; ++i) {
    Request request;
    request.prompt = RandomPrompt(options, i, core.transformer().config().vocab_size);
    request.max_new_tokens = new_tokens;
    sequences.push_back(std::make_unique<Sequence>(MakeSequence(std::move(request), 0)));
    QUIRE_RETURN_IF_ERROR(core.Add(*sequences.back()));
  }
  const auto has_started = [](const auto& sequence) { return sequence->num_output_tokens() > 0; };
  Timings timings;
  const Clock::time_point begin = Clock::now();
  while (!std::all_of(sequences.begin(), sequences.end(), has_started)) {
    QUIRE_RETURN_IF_ERROR(StepOnce(core).status());
  }
  timings.prefill_s = SecondsSince(begin);
  const Clock::time_point decode_begin = Clock::now();
  while (!core.scheduler().is_idle()) {
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t num_tokens, StepOnce(core));
    timings.num_decode_tokens += num_tokens;
    ++timings.num_decode_steps;
  }
  timings.decode_s = SecondsSince(decode_begin);
  return timings;
}

// Operations of the prefill's matrices: two per weight and token; of the output matrix, which only
// each sequence's last token needs, two per weight and sequence.
double PrefillFlops(const ModelConfig& config, const BenchmarkOptions& options) {
  const double per_token = 2.0 * config.num_layers * static_cast<double>(config.LayerElements());
  const double output = 2.0 * config.hidden_size * config.vocab_size;
  return options.batch * (per_token * options.prompt_tokens + output);
}

// Bytes that all decode steps read: the weights in each, and each sequence's cache as it grows.
double DecodeBytes(const EngineCore& core, const BenchmarkOptions& options,
                   const Timings& timings) {
  const KvCacheShape& shape = core.kv_cache().shape();
  const double token_bytes = static_cast<double>(KvBlockBytes(shape)) / shape.block_size;
  const double mean_tokens = options.prompt_tokens + options.new_tokens / 2.0;
  return static_cast<double>(timings.num_decode_steps) *
             static_cast<double>(core.transformer().step_weight_bytes()) +
         static_cast<double>(timings.num_decode_tokens) * token_bytes * mean_tokens;
}

std::int64_t PeakRssBytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

StatusOr<BenchmarkResult> Measure(const BenchmarkOptions& options, const ModelConfig& config,
                                  const WeightSource& weights, kernels::Device& device) {
  QUIRE_RETURN_IF_ERROR(RequireDecoder(config));
  QUIRE_RETURN_IF_ERROR(Validate(options, config));
  // Before and after, the larger counts: on a busy machine one of them may fall into a busy second.
  QUIRE_ASSIGN_OR_RETURN(const kernels::Peaks before, device.MeasurePeaks());
  QUIRE_ASSIGN_OR_RETURN(const auto core, NewCore(options, config, weights, device));
  QUIRE_RETURN_IF_ERROR(RunBatch(*core, options, kWarmUpTokens).status());
  QUIRE_ASSIGN_OR_RETURN(const Timings timings, RunBatch(*core, options, options.new_tokens));
  BenchmarkResult result;
  result.peak_rss_bytes = PeakRssBytes();  // before the second measurement adds to it
  QUIRE_ASSIGN_OR_RETURN(const kernels::Peaks after, device.MeasurePeaks());
  result.stream_bytes_per_s = std::max(before.read_bytes_per_s, after.read_bytes_per_s);
  result.f32_flops_per_s = std::max(before.f32_flops_per_s, after.f32_flops_per_s);
  result.prefill_tokens_per_s = options.batch * options.prompt_tokens / timings.prefill_s;
  result.decode_tokens_per_s = static_cast<double>(timings.num_decode_tokens) / timings.decode_s;
  result.weight_bytes = core->transformer().weight_bytes();
  result.bandwidth_share =
      DecodeBytes(*core, options, timings) / timings.decode_s / result.stream_bytes_per_s;
  result.prefill_flops_share =
      PrefillFlops(config, options) / timings.prefill_s / result.f32_flops_per_s;
  result.kv_cache_bytes = core->kv_cache().size_bytes();
  return result;
}

}  // namespace

StatusOr<BenchmarkResult> BenchmarkEngine(const BenchmarkOptions& options,
                                          kernels::Device& device) {
  if (options.shape.empty() == options.model_path.empty()) {
    return InvalidArgument("wanted either shape or model_path, have {}",
                           options.shape.empty() ? "neither" : "both");
  }
  if (!options.shape.empty()) {
    QUIRE_ASSIGN_OR_RETURN(const ModelConfig config, FindModelShape(options.shape));
    const auto weights =
        QuantizeOnLoad(std::make_shared<const RandomWeights>(options.seed), options.quantize);
    return Measure(options, config, *weights, device);
  }
  QUIRE_ASSIGN_OR_RETURN(const ModelConfig config, LoadModelConfig(options.model_path));
  QUIRE_ASSIGN_OR_RETURN(
      const auto weights,
      OpenModelWeights(options.model_path, config.quantization, options.quantize));
  return Measure(options, config, *weights, device);
}

}  // namespace quire::engine
