#include "engine/kv/kv_cache.h"
#include "engine/request_validation.h"
#include "kernels/quant/round_to_nearest.h"
#include "services/inference/inference_server.h"

namespace quire::services {
namespace {

void AddModelOptions(CLI::App& app, InferenceOptions& options) {
  app.add_option("--model", options.model,
                 "Directory or .gguf file of the language model, or hf:ORG/REPO[@REVISION]")
      ->type_name("PATH");
  app.add_option("--model-name", options.model_name,
                 "What requests call it; default: the last part of its path");
  app.add_option("--embedding-model", options.embedding_model,
                 "Directory or .gguf file of the embedding model, or hf:ORG/REPO[@REVISION]")
      ->type_name("PATH");
  app.add_option("--embedding-model-name", options.embedding_model_name,
                 "What requests call it; default: the last part of its path");
  app.add_option("--rerank-model", options.rerank_model,
                 "Directory of the reranking model, a cross-encoder, or hf:ORG/REPO[@REVISION]")
      ->type_name("PATH");
  app.add_option("--rerank-model-name", options.rerank_model_name,
                 "What requests call it; default: the last part of its path");
}

void AddDeviceOptions(CLI::App& app, InferenceOptions& options) {
  app.add_option("--device", options.device,
                 "Start of a device's name, as cpu or cpu/avx2; default: the fastest");
  app.add_option("--threads", options.threads, "CPU threads of one operation; 0: every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  AddQuantizeOption(app, options.quantize);
}

void AddCacheOptions(CLI::App& app, InferenceOptions& options) {
  app.add_option("--block-size", options.block_size, "Tokens per KV-cache block")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--kv-cache-bytes", options.kv_cache_bytes,
                 "Memory for the KV cache, as 2GiB; default: by the model, at most half of what is "
                 "free; on a GPU nine tenths of what the model leaves")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true));
  app.add_option("--kv-host-bytes", options.kv_host_bytes,
                 "Host memory for KV blocks that the cache has to give up; of use on a GPU")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true));
  AddKvCacheTypeOption(app, options.kv_cache_type);
  app.add_option("--context-tokens", options.context_tokens,
                 "Longest prompt and output together; 0: what the model was made for")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void AddSchedulingOptions(CLI::App& app, InferenceOptions& options) {
  app.add_option("--max-batch-tokens", options.max_batch_tokens,
                 "Tokens computed per step; 0: what the device is efficient with")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-sequences", options.max_sequences, "Requests running at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-queued-requests", options.max_queued_requests,
                 "Requests waiting at once; more are refused")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-queued-tokens", options.max_queued_tokens,
                 "Prompt tokens waiting at once; more are refused")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option(
         "--prompt-lookup", options.prompt_lookup_tokens,
         "Tokens guessed ahead per step from what prompt and output repeat, where a request "
         "does not say; 0: none")
      ->check(CLI::Range(0, engine::kMaxDraftTokens))
      ->capture_default_str();
  app.add_flag("--record-steps,!--no-record-steps", options.record_steps,
               "Replay decode steps that are like one before: CUDA graphs; a CPU has none");
  app.add_flag("--prefix-cache,!--no-prefix-cache", options.prefix_cache,
               "Compute the common beginning of prompts once (default)");
}

}  // namespace

void AddKvCacheTypeOption(CLI::App& app, std::string& kv_cache_type) {
  std::vector<std::string> names(engine::kKvCacheTypes.begin(), engine::kKvCacheTypes.end());
  names.emplace(names.begin(), engine::kAutoKvCacheType);
  app.add_option("--kv-cache-type", kv_cache_type,
                 "Element type of the KV cache; auto: f32 on a CPU, bf16 on a GPU")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
}

void AddQuantizeOption(CLI::App& app, std::string& quantize) {
  const std::vector<std::string> names(kernels::kRoundingKinds.begin(),
                                       kernels::kRoundingKinds.end());
  app.add_option(
         "--quantize", quantize,
         "Quantize the language model's F32, F16 or BF16 weights while they are loaded; the "
         "embedding table stays as it is, an output matrix gets 8 bits")
      ->check(CLI::IsMember(names));
}

void AddInferenceOptions(CLI::App& app, InferenceOptions& options) {
  AddModelOptions(app, options);
  AddDeviceOptions(app, options);
  AddCacheOptions(app, options);
  AddSchedulingOptions(app, options);
}

}  // namespace quire::services
