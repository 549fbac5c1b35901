#include "engine/model_loading.h"

#include <algorithm>

#include "engine/formats/model_weights.h"
#include "engine/kv/kv_plan.h"
#include "engine/kv/memory_budget.h"
#include "engine/memory_plan.h"
#include "engine/option_validation.h"

namespace quire::engine {
namespace {

constexpr std::int32_t kMaxBlockSize = 1024;
constexpr std::int32_t kMaxQueuedRequests = 1 << 20;

Status Validate(const EngineOptions& options, const ModelConfig& config) {
  QUIRE_RETURN_IF_ERROR(ValidateRange("block_size", options.block_size, 1, kMaxBlockSize));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_batch_tokens", options.max_batch_tokens, 0, kMaxBatchTokens));
  QUIRE_RETURN_IF_ERROR(ValidateRange("max_sequences", options.max_sequences, 1, kMaxBatchTokens));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_queued_requests", options.max_queued_requests, 0, kMaxQueuedRequests));
  QUIRE_RETURN_IF_ERROR(ValidateRange("max_queued_tokens", options.max_queued_tokens,
                                      options.context_tokens, std::int64_t{1} << 40));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("kv_cache_bytes", options.kv_cache_bytes, 0, std::int64_t{1} << 50));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("host_tier_bytes", options.host_tier_bytes, 0, std::int64_t{1} << 50));
  return ValidateRange("context_tokens", options.context_tokens, 0, config.MaxContextTokens());
}

// Bytes that there are for a KV cache beside the model.
StatusOr<std::int64_t> FreeBytes(const EngineOptions& options, const ModelMemory& model,
                                 std::int64_t memory_bytes, bool in_own_memory) {
  const std::int64_t host_tier_bytes = in_own_memory ? 0 : options.host_tier_bytes;
  const std::int64_t free_bytes = memory_bytes - model.total_bytes() - host_tier_bytes;
  // Whoever says how large the cache is has looked at the machine: the mapped weights may be larger
  // than its memory.
  if (free_bytes >= 0 || options.kv_cache_bytes > 0) return std::max<std::int64_t>(free_bytes, 0);
  return ResourceExhausted("memory: wanted {}, have {}", Describe(model),
                           FormatMemory(memory_bytes));
}

StatusOr<std::unique_ptr<ChatTemplate>> LoadChatTemplate(const std::string& directory) {
  auto chat_template = ChatTemplate::Load(directory);
  if (absl::IsNotFound(chat_template.status())) return std::unique_ptr<ChatTemplate>();
  return chat_template;
}

}  // namespace

StatusOr<LoadedModel> LoadLanguageModel(const EngineOptions& options, kernels::Device& device) {
  const std::string& path = options.model_path;
  LoadedModel model;
  QUIRE_ASSIGN_OR_RETURN(model.config, LoadModelConfig(path));
  if (model.config.task != ModelTask::kGenerate) {
    return InvalidArgument("{}: wanted a language model, have {}, which {}", path,
                           model.config.architecture, Purpose(model.config.task));
  }
  QUIRE_RETURN_IF_ERROR(Validate(options, model.config));
  QUIRE_ASSIGN_OR_RETURN(model.generation, LoadGenerationConfig(path, model.config));
  QUIRE_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Load(path));
  QUIRE_ASSIGN_OR_RETURN(model.chat_template, LoadChatTemplate(path));

  // Before the model takes any of it.
  const std::int64_t memory_bytes =
      options.memory_bytes ? *options.memory_bytes : AvailableMemoryBytes(device);
  const bool in_own_memory = device.free_bytes().has_value();
  QUIRE_ASSIGN_OR_RETURN(const auto weights,
                         OpenModelWeights(path, model.config.quantization, options.quantize));
  const TransformerLimits limits = {.max_batch_tokens = options.max_batch_tokens == 0
                                                            ? device.efficient_batch_tokens()
                                                            : options.max_batch_tokens,
                                    .context_tokens = options.context_tokens,
                                    .record_steps = options.record_steps};
  QUIRE_ASSIGN_OR_RETURN(auto transformer,
                         Transformer::Load(model.config, *weights, limits, device));

  EngineCoreOptions core_options = {
      .block_size = options.block_size,
      .kv_cache_dtype = options.kv_cache_dtype,
      .host_tier_bytes = options.host_tier_bytes,
      .limits = {.max_batch_tokens = limits.max_batch_tokens,
                 .max_sequences = options.max_sequences,
                 .prefix_cache = options.prefix_cache,
                 .attention_crossover = AttentionCrossover(model.config)}};
  const ModelMemory memory = {.weight_bytes = transformer->weight_bytes(),
                              .workspace_bytes = transformer->workspace_bytes()};
  model.limits = {.context_tokens = options.context_tokens == 0
                                        ? model.config.max_position_embeddings
                                        : options.context_tokens,
                  .weight_bytes = memory.weight_bytes,
                  .workspace_bytes = memory.workspace_bytes,
                  .kv_cache_dtype = options.kv_cache_dtype};
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t free_bytes,
                         FreeBytes(options, memory, memory_bytes, in_own_memory));
  QUIRE_ASSIGN_OR_RETURN(core_options.num_blocks,
                         PlanKvBlocks({.shape = KvShape(model.config, core_options),
                                       .context_tokens = model.limits.context_tokens,
                                       .max_sequences = options.max_sequences,
                                       .budget_bytes = options.kv_cache_bytes,
                                       .in_own_memory = in_own_memory},
                                      free_bytes));
  QUIRE_ASSIGN_OR_RETURN(model.core,
                         EngineCore::Create(std::move(transformer), core_options, device));
  model.limits.kv_cache_bytes = model.core->kv_cache().size_bytes();
  const HostTier* host_tier = model.core->host_tier();
  model.limits.host_tier_bytes = host_tier == nullptr ? 0 : host_tier->size_bytes();
  return model;
}

}  // namespace quire::engine
