#include <nlohmann/json.hpp>

#include "engine/engine_benchmark.h"
#include "engine/kv/kv_cache.h"
#include "kernels/device.h"
#include "kernels/quant/round_to_nearest.h"
#include "services/cli/commands/commands.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/inference/inference_server.h"

namespace quire::services::cli {
namespace {

class BenchEngineCommand final : public Command {
 public:
  explicit BenchEngineCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  ModelOptions model_;
  engine::BenchmarkOptions benchmark_;
};

BenchEngineCommand::BenchEngineCommand(CLI::App& parent)
    : Command(parent,
              {.name = "engine",
               .summary = "Speed of a model on this machine, as one JSON object",
               .group = "",
               .examples = "  quire bench engine --shape tinyllama-1.1b --prompt-tokens 256 "
                           "--new-tokens 32\n"
                           "  quire bench engine --shape llama-3.2-1b --quantize int4\n"
                           "  quire bench engine --model ./llama --batch 8"}) {
  AddModelOption(app(), model_);
  app()
      .add_option("--shape", benchmark_.shape,
                  "Random weights of this shape instead of a model: llama-3.2-1b, tinyllama-1.1b, "
                  "qwen2.5-0.5b, llama-3.1-8b, mistral-7b")
      ->type_name("NAME");
  app()
      .add_option("--prompt-tokens", benchmark_.prompt_tokens, "Tokens of each prompt")
      ->capture_default_str();
  app()
      .add_option("--new-tokens", benchmark_.new_tokens, "Tokens to generate, at least 2")
      ->capture_default_str();
  app().add_option("--batch", benchmark_.batch, "Sequences at once")->capture_default_str();
  app()
      .add_option("--seed", benchmark_.seed, "Of random weights and prompts")
      ->capture_default_str();
  AddDeviceOptions(app(), model_);
  AddQuantizeOption(app(), model_.quantize);
  AddKvCacheTypeOption(app(), model_.kv_cache_type);
}

nlohmann::ordered_json ResultJson(const engine::BenchmarkResult& result, std::string_view device) {
  return {{"device", device},
          {"prefill_tokens_per_s", result.prefill_tokens_per_s},
          {"decode_tokens_per_s", result.decode_tokens_per_s},
          {"weight_bytes", result.weight_bytes},
          {"kv_cache_bytes", result.kv_cache_bytes},
          {"stream_bytes_per_s", result.stream_bytes_per_s},
          {"f32_flops_per_s", result.f32_flops_per_s},
          {"bandwidth_share", result.bandwidth_share},
          {"prefill_flops_share", result.prefill_flops_share},
          {"peak_rss_bytes", result.peak_rss_bytes}};
}

Status BenchEngineCommand::Run(Session& session) {
  if (session.is_remote()) {
    return InvalidArgument("bench engine: wanted this machine, have --server");
  }
  engine::BenchmarkOptions options = benchmark_;
  if (!model_.quantize.empty()) {
    QUIRE_ASSIGN_OR_RETURN(options.quantize, kernels::ParseRoundingKind(model_.quantize));
  }
  if (options.shape.empty()) {
    QUIRE_ASSIGN_OR_RETURN(options.model_path,
                           ResolveModel(model_.model, ModelKind::kLanguage, session.options()));
  }
  QUIRE_ASSIGN_OR_RETURN(const auto device,
                         kernels::FindDevice(model_.device, {.num_threads = model_.threads}));
  QUIRE_ASSIGN_OR_RETURN(options.kv_cache_dtype,
                         engine::ParseKvCacheType(model_.kv_cache_type, *device));
  QUIRE_ASSIGN_OR_RETURN(const auto result, engine::BenchmarkEngine(options, *device));
  Print(ResultJson(result, device->name()).dump() + "\n");
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewBenchEngineCommand(CLI::App& parent) {
  return std::make_unique<BenchEngineCommand>(parent);
}

}  // namespace quire::services::cli
