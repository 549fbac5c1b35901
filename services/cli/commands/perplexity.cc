#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/model/model_config.h"
#include "engine/tokenizer/token_windows.h"
#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/document_files.h"
#include "services/cli/model_path.h"
#include "services/cli/session.h"
#include "services/cli/token_codec.h"
#include "services/inference/inference_server.h"
#include "services/server/channel.h"

namespace quire::services::cli {
namespace {

using inference::v1::InferenceService;

// Longer windows take memory for the KV cache and change little.
constexpr std::int32_t kDefaultContext = 2048;

class PerplexityCommand final : public Command {
 public:
  explicit PerplexityCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  using Windows = std::vector<std::vector<std::int32_t>>;

  // --context, or what the model suggests.
  StatusOr<std::int32_t> WindowTokens(Session& session) const;
  StatusOr<Windows> ReadWindows(Session& session, std::int32_t window_tokens) const;
  // Scores the windows and prints the result.
  Status Score(Session& session, const Windows& windows, std::int32_t window_tokens) const;

  ModelOptions model_;
  std::string file_;
  std::int32_t context_ = 0;
};

PerplexityCommand::PerplexityCommand(CLI::App& parent)
    : Command(parent,
              {.name = "perplexity",
               .summary = "How well a model predicts a text: exp of minus the mean log-probability",
               .group = kModelCommands,
               .examples = "  quire perplexity --model ./llama --file book.txt\n"
                           "  quire perplexity --model ./llama --file book.txt --quantize int4"}) {
  AddModelOption(app(), model_);
  app().add_option("--file", file_, "The text, UTF-8")->type_name("TEXT")->required();
  app()
      .add_option("--context", context_,
                  "Tokens of a window, at least 2. The text is cut into windows that do not "
                  "overlap; where the tokenizer begins a text with BOS each window does, and BOS "
                  "is context alone. Every other token but the first of a window is scored. "
                  "Default: the model's context, at most 2048")
      ->type_name("N");
  AddDeviceOptions(app(), model_);
  AddQuantizeOption(app(), model_.quantize);
  AddKvCacheTypeOption(app(), model_.kv_cache_type);
}

// The longest sequence that the model at --server, or the one to be loaded here, takes.
StatusOr<std::int32_t> ModelTokens(Session& session, const ModelOptions& options) {
  if (!session.is_remote()) {
    QUIRE_ASSIGN_OR_RETURN(const std::string path,
                           ResolveModel(options.model, ModelKind::kLanguage, session.options()));
    const auto config = engine::LoadModelConfig(path);
    if (!config.ok()) return ModelFileError(config.status());
    return config->max_position_embeddings;
  }
  const auto stub = InferenceService::NewStub(MakeChannel(session.options().server));
  inference::v1::GetModelRequest request;
  const std::string& name = options.model;
  request.set_name(name.starts_with("models/") ? name
                                               : "models/" + (name.empty() ? "default" : name));
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         CallUnary(session, *stub, &InferenceService::Stub::GetModel, request));
  return response.model().context_tokens();
}

StatusOr<std::int32_t> PerplexityCommand::WindowTokens(Session& session) const {
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t model_tokens, ModelTokens(session, model_));
  if (context_ == 0) return std::min(model_tokens, kDefaultContext);
  if (context_ < 2 || context_ > model_tokens) {
    return InvalidArgument("--context: wanted a number in [2, {}], have {}", model_tokens,
                           context_);
  }
  return context_;
}

StatusOr<PerplexityCommand::Windows> PerplexityCommand::ReadWindows(
    Session& session, std::int32_t window_tokens) const {
  QUIRE_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file_));
  QUIRE_ASSIGN_OR_RETURN(const auto codec, TokenCodec::Create(session, model_));
  QUIRE_ASSIGN_OR_RETURN(const auto ids, codec->Encode(text, /*special_tokens=*/false));
  // Any text shows what stands before a text.
  QUIRE_ASSIGN_OR_RETURN(const auto with_special, codec->Encode("a", /*special_tokens=*/true));
  QUIRE_ASSIGN_OR_RETURN(const auto without, codec->Encode("a", /*special_tokens=*/false));
  const std::vector<std::int32_t> leading = engine::LeadingTokens(with_special, without);
  if (leading.size() >= static_cast<std::size_t>(window_tokens)) {
    return InvalidArgument("--context: wanted more than the {} tokens before a text, have {}",
                           leading.size(), window_tokens);
  }
  Windows windows = engine::CutWindows(ids, leading, static_cast<std::size_t>(window_tokens));
  if (windows.empty()) {
    return DataLoss("{}: wanted a text of at least two tokens, have {}", file_, ids.size());
  }
  return windows;
}

Status PerplexityCommand::Score(Session& session, const Windows& windows,
                                std::int32_t window_tokens) const {
  ModelOptions options = model_;
  options.context_tokens = window_tokens;
  const auto services = session.Connect(options, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->LanguageModel());
  const auto stub = InferenceService::NewStub(channel);
  ProgressLine progress(session.terminal().stderr_is_terminal, session.terminal().columns);
  double sum = 0;  // of log-probabilities
  std::int64_t num_tokens = 0;
  std::int64_t num_done = 0;
  // One window a call: it fills the steps of the engine by itself.
  for (const std::vector<std::int32_t>& window : windows) {
    progress.Update("scoring", num_done++, static_cast<std::int64_t>(windows.size()));
    inference::v1::ScoreRequest request;
    request.set_model(services->language_model_name());
    request.mutable_ids()->Assign(window.begin(), window.end());
    QUIRE_ASSIGN_OR_RETURN(const auto response,
                           CallUnary(session, *stub, &InferenceService::Stub::Score, request));
    for (const auto& token : response.tokens()) sum += token.token().logprob();
    num_tokens += response.tokens_size();
  }
  progress.Clear();
  const double perplexity = std::exp(-sum / static_cast<double>(num_tokens));
  Print(fmt::format("{{\"perplexity\":{},\"tokens\":{},\"context\":{}}}\n",
                    std::isfinite(perplexity) ? fmt::format("{:.9g}", perplexity) : "null",
                    num_tokens, window_tokens));
  return OkStatus();
}

Status PerplexityCommand::Run(Session& session) {
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t window_tokens, WindowTokens(session));
  QUIRE_ASSIGN_OR_RETURN(const Windows windows, ReadWindows(session, window_tokens));
  return Score(session, windows, window_tokens);
}

}  // namespace

std::unique_ptr<Command> NewPerplexityCommand(CLI::App& parent) {
  return std::make_unique<PerplexityCommand>(parent);
}

}  // namespace quire::services::cli
