#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "engine/model/model_config.h"
#include "engine/quantization/quantize_model.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/device.h"
#include "services/cli/commands/commands.h"
#include "services/cli/document_files.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

class QuantizeCommand final : public Command {
 public:
  explicit QuantizeCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  void Describe(const engine::QuantizeResult& result) const;

  ModelOptions model_;
  std::string method_;
  std::string calibration_;
  engine::QuantizeOptions quantize_;
};

QuantizeCommand::QuantizeCommand(CLI::App& parent)
    : Command(parent,
              {.name = "quantize",
               .summary = "Write a quantized copy of a model",
               .group = kModelCommands,
               .examples = "  quire quantize --model ./llama --to nf4 --out ./llama-nf4\n"
                           "  quire quantize --model ./llama --to gptq --calibration book.txt "
                           "--out ./llama-gptq\n"
                           "  quire perplexity --model ./llama-gptq --file other.txt"}) {
  app()
      .add_option("--model", model_.model, "Directory of a Hugging Face model in F32, F16 or BF16")
      ->type_name("MODEL")
      ->required();
  app()
      .add_option("--to", method_,
                  "nf4 and int8 as bitsandbytes stores them, gptq as AutoGPTQ, awq as AutoAWQ; "
                  "linear layers of the decoder alone, embeddings and output matrix stay")
      ->check(CLI::IsMember(std::vector<std::string>(engine::kQuantizationMethods.begin(),
                                                     engine::kQuantizationMethods.end())))
      ->required();
  app()
      .add_option("--out", quantize_.output_path,
                  "Directory to write; it must be empty or not there, and appears when all is done")
      ->type_name("DIR")
      ->required();
  app()
      .add_option("--calibration", calibration_,
                  "For gptq and awq: a text, UTF-8, of the kind the model will be used on")
      ->type_name("TEXT");
  app()
      .add_option("--calibration-windows", quantize_.calibration_windows,
                  "Windows of that text to use at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app()
      .add_option("--window-tokens", quantize_.window_tokens, "Tokens of a window at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app()
      .add_option("--group-size", quantize_.group_size,
                  "Inputs that share a scale in gptq and awq: 32, 64 or 128; default: 128, or less "
                  "where that lets more layers be quantized")
      ->check(CLI::IsMember({32, 64, 128}));
  app().add_flag("--act-order", quantize_.act_order,
                 "gptq: round the columns of large inputs first (desc_act)");
  app()
      .add_option("--max-shard-bytes", quantize_.max_shard_bytes,
                  "Size of a weight file, as 2GiB; a larger model becomes several and an index")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->capture_default_str();
  AddDeviceOptions(app(), model_);
}

// Loads what a damaged model would show first, so that its files are blamed and not the options.
Status CheckModelFiles(const std::string& path, bool needs_tokenizer) {
  const auto config = engine::LoadModelConfig(path);
  if (!config.ok()) return ModelFileError(config.status());
  if (!needs_tokenizer) return OkStatus();
  const auto tokenizer = engine::Tokenizer::Load(path);
  return tokenizer.ok() ? OkStatus() : ModelFileError(tokenizer.status());
}

void QuantizeCommand::Describe(const engine::QuantizeResult& result) const {
  for (const std::string& name : result.files) {
    Print((std::filesystem::path(quantize_.output_path) / name).string() + "\n");
  }
  if (result.group_size > 0) {
    fmt::print(stderr, "groups of {} inputs; {} tokens of calibration\n", result.group_size,
               result.calibration_tokens);
  }
  if (result.plain_layers.empty()) return;
  fmt::print(
      stderr,
      "{} of {} linear layers stay as they are, their shapes being no multiples of 32 and of "
      "the group: {}\n",
      result.plain_layers.size(), result.num_linear_layers, fmt::join(result.plain_layers, ", "));
}

Status QuantizeCommand::Run(Session& session) {
  if (session.is_remote()) return InvalidArgument("quantize: wanted this machine, have --server");
  engine::QuantizeOptions options = quantize_;
  QUIRE_ASSIGN_OR_RETURN(options.method, engine::ParseQuantizationMethod(method_));
  if (engine::NeedsCalibration(options.method) && calibration_.empty()) {
    return InvalidArgument("--to {}: wanted a text with --calibration, have none", method_);
  }
  if (options.act_order && options.method != engine::QuantizationMethod::kGptq) {
    return InvalidArgument("--act-order: wanted with --to gptq, have {}", method_);
  }
  QUIRE_ASSIGN_OR_RETURN(options.model_path,
                         ResolveModel(model_.model, ModelKind::kLanguage, session.options()));
  QUIRE_RETURN_IF_ERROR(
      CheckModelFiles(options.model_path, engine::NeedsCalibration(options.method)));
  if (!calibration_.empty()) {
    QUIRE_ASSIGN_OR_RETURN(options.calibration_text, ReadTextFile(calibration_));
  }
  QUIRE_ASSIGN_OR_RETURN(const auto device,
                         kernels::FindDevice(model_.device.empty() ? "cpu" : model_.device,
                                             {.num_threads = model_.threads}));
  if (!device->name().starts_with("cpu")) {
    return InvalidArgument("--device: wanted a CPU to quantize on, have {}", device->name());
  }
  const int num_threads = model_.threads > 0
                              ? model_.threads
                              : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  StatusOr<engine::QuantizeResult> result;
  {
    ProgressLine progress(session.terminal().stderr_is_terminal, session.terminal().columns);
    result =
        engine::QuantizeModel(options, *device, num_threads,
                              [&](std::string_view stage, std::int64_t done, std::int64_t total) {
                                progress.Update(stage, done, total);
                              });
  }
  if (absl::IsUnimplemented(result.status())) return ModelFileError(result.status());
  QUIRE_RETURN_IF_ERROR(result.status());
  Describe(*result);
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewQuantizeCommand(CLI::App& parent) {
  return std::make_unique<QuantizeCommand>(parent);
}

}  // namespace quire::services::cli
