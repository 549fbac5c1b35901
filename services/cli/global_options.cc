#include "services/cli/global_options.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "services/inference/inference_server.h"

namespace quire::services::cli {
namespace {

// XDG Base Directory Specification 0.8: $XDG_DATA_HOME, else ~/.local/share.
std::string DefaultDataDirectory() {
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg == '/') {
    return std::string(xdg) + "/quire";
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.local/share/quire";
}

}  // namespace

StatusOr<double> ParseDuration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
      {{"", 1.0}, {"ms", 0.001}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, seconds] : kUnits) {
    const bool valid = error == std::errc() && std::isfinite(number) && number >= 0;
    if (valid && unit == name) return number * seconds;
  }
  return InvalidArgument("wanted a duration like 500ms, 30s or 2m, have \"{}\"", text);
}

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  options.data_dir = DefaultDataDirectory();
  constexpr char kGroup[] = "Global options";
  app.add_option("--server", options.server,
                 "Address of a running `quire serve`; without it the services run in this process")
      ->type_name("HOST:PORT")
      ->group(kGroup);
  app.add_option("--data-dir", options.data_dir, "Where documents and models are kept")
      ->type_name("DIR")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--model-dir", options.model_dir, "Where the bundled models are")
      ->type_name("DIR")
      ->group(kGroup);
  // Kept as text in the option, so that its origin can be told.
  const auto set_timeout = [&options](const std::string& text) {
    const StatusOr<double> seconds = ParseDuration(text);
    if (!seconds.ok())
      throw CLI::ValidationError("--timeout", std::string(Message(seconds.status())));
    options.timeout_seconds = *seconds;
  };
  app.add_option_function<std::string>("--timeout", set_timeout,
                                       "Longest time of a call: 500ms, 30s, 2m; default: none")
      ->type_name("DURATION")
      ->group(kGroup);
  app.add_option("--color", options.color, "Colours on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str()
      ->group(kGroup);
  AddLogOptions(app, options.log);
}

void AddModelOption(CLI::App& app, ModelOptions& options) {
  app.add_option(
         "--model", options.model,
         "Directory of a Hugging Face model or .gguf file, hf:ORG/REPO[@REVISION], or the name "
         "of a bundled model; with --server one of its models")
      ->type_name("MODEL");
}

void AddEmbeddingModelOption(CLI::App& app, ModelOptions& options) {
  app.add_option(
         "--embedding-model", options.embedding_model,
         "Directory or .gguf file of an embedding model, hf:ORG/REPO[@REVISION], or the name "
         "of a bundled one")
      ->type_name("MODEL");
}

void AddRerankModelOption(CLI::App& app, ModelOptions& options) {
  app.add_option(
         "--rerank-model", options.rerank_model,
         "Directory of a reranking model, hf:ORG/REPO[@REVISION], or the name of a bundled one")
      ->type_name("MODEL");
}

void AddDeviceOptions(CLI::App& app, ModelOptions& options) {
  app.add_option("--device", options.device,
                 "Where the model runs: cpu, cpu/avx2, cuda:0; default: the fastest there is");
  app.add_option("--threads", options.threads, "CPU threads; 0: every core")
      ->check(CLI::Range(0, 1024).description(""));
}

void AddCacheOptions(CLI::App& app, ModelOptions& options) {
  app.add_option("--context-tokens", options.context_tokens,
                 "Tokens of prompt and output together; 0: what the model was made for")
      ->check(CLI::Validator(CLI::NonNegativeNumber).description(""));
  AddKvCacheTypeOption(app, options.kv_cache_type);
}

}  // namespace quire::services::cli
