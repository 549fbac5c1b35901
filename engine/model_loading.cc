#include "engine/model_loading.h"

#include <algorithm>
#include <limits>

#include "engine/formats/model_weights.h"
#include "engine/kv/memory_budget.h"
#include "engine/option_validation.h"

namespace quire::engine {
namespace {

constexpr std::int32_t kMaxBlockSize = 1024;
constexpr std::int32_t kMaxQueuedRequests = 1 << 20;

Status Validate(const EngineOptions& options, const ModelConfig& config) {
  QUIRE_RETURN_IF_ERROR(ValidateRange("block_size", options.block_size, 1, kMaxBlockSize));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_batch_tokens", options.max_batch_tokens, 1, kMaxBatchTokens));
  QUIRE_RETURN_IF_ERROR(ValidateRange("max_sequences", options.max_sequences, 1, kMaxBatchTokens));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("max_queued_requests", options.max_queued_requests, 0, kMaxQueuedRequests));
  QUIRE_RETURN_IF_ERROR(
      ValidateRange("kv_cache_bytes", options.kv_cache_bytes, 0, std::int64_t{1} << 50));
  return ValidateRange("context_tokens", options.context_tokens, 0, config.max_position_embeddings);
}

// The product, or the largest number there is: more memory than any machine has.
std::int64_t SaturatingMultiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                : product;
}

// Blocks of the cache, as EngineOptions::kv_cache_bytes says. `free_bytes`: what the machine has
// left beside the weights.
StatusOr<std::int32_t> ChooseNumBlocks(const EngineOptions& options, const KvCacheShape& shape,
                                       std::int32_t context_tokens, std::int64_t free_bytes) {
  const std::int64_t context_bytes =
      SaturatingMultiply(NumBlocksFor(context_tokens, shape.block_size), KvBlockBytes(shape));
  std::int64_t budget_bytes = options.kv_cache_bytes;
  if (budget_bytes == 0) {
    // Whole blocks even where half a context is less than one.
    const std::int64_t half_context_bytes = std::max(context_bytes / 2, KvBlockBytes(shape));
    budget_bytes =
        std::min(SaturatingMultiply(half_context_bytes, options.max_sequences), free_bytes / 2);
    if (context_bytes <= free_bytes) budget_bytes = std::max(budget_bytes, context_bytes);
  }
  if (budget_bytes < context_bytes) {
    return ResourceExhausted(
        "KV cache: wanted {} bytes for one context of {} tokens, have {}; lower context_tokens",
        context_bytes, context_tokens, budget_bytes);
  }
  return NumKvBlocks(shape, budget_bytes);
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
  if (model.config.is_encoder()) {
    return InvalidArgument("{}: wanted a language model, have the encoder {}", path,
                           model.config.architecture);
  }
  QUIRE_RETURN_IF_ERROR(Validate(options, model.config));
  QUIRE_ASSIGN_OR_RETURN(model.generation, LoadGenerationConfig(path, model.config));
  QUIRE_ASSIGN_OR_RETURN(model.tokenizer, Tokenizer::Load(path));
  QUIRE_ASSIGN_OR_RETURN(model.chat_template, LoadChatTemplate(path));

  const std::int64_t available_bytes = AvailableMemoryBytes();
  QUIRE_ASSIGN_OR_RETURN(auto checkpoint, Checkpoint::Open(path));
  const auto weights =
      ModelWeights(std::move(checkpoint), model.config.quantization, options.quantize);
  const TransformerLimits limits = {.max_batch_tokens = options.max_batch_tokens};
  QUIRE_ASSIGN_OR_RETURN(auto transformer,
                         Transformer::Load(model.config, *weights, limits, device));

  EngineCoreOptions core_options = {.block_size = options.block_size,
                                    .kv_cache_dtype = options.kv_cache_dtype,
                                    .limits = {.max_batch_tokens = options.max_batch_tokens,
                                               .max_sequences = options.max_sequences,
                                               .prefix_cache = options.prefix_cache}};
  model.limits.weight_bytes = transformer->weight_bytes();
  model.limits.context_tokens =
      options.context_tokens == 0 ? model.config.max_position_embeddings : options.context_tokens;
  QUIRE_ASSIGN_OR_RETURN(
      core_options.num_blocks,
      ChooseNumBlocks(options, KvShape(model.config, core_options), model.limits.context_tokens,
                      std::max<std::int64_t>(available_bytes - model.limits.weight_bytes, 0)));
  QUIRE_ASSIGN_OR_RETURN(model.core,
                         EngineCore::Create(std::move(transformer), core_options, device));
  model.limits.kv_cache_bytes = model.core->kv_cache().size_bytes();
  return model;
}

}  // namespace quire::engine
