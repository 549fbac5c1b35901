#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "services/server/config.h"

namespace quire::services::cli {

// What every command takes, before or after its name.
struct GlobalOptions {
  std::string server;  // "host:port" or a gRPC target; empty: services in this process
  std::string data_dir;
  std::string model_dir;  // folder of the bundled models; empty: where Quire is installed
  std::string color = "auto";
  double timeout_seconds = 0;  // of each call; 0: none
  LogOptions log{.level = "warn"};
};
void AddGlobalOptions(CLI::App& app, GlobalOptions& options);

// The model a command works with and how it runs in this process. At a server `model` is one of
// its names and the rest does not count.
struct ModelOptions {
  std::string model;
  std::string embedding_model;
  std::string embedding_model_name;  // what requests call it; empty: the last part of its path
  std::string rerank_model;          // a reranking model
  bool reranks = false;              // searches are reranked: the reranking model is wanted too
  std::string device;                // prefix of a device's name; empty: the fastest
  std::int32_t threads = 0;          // 0: every core
  std::int32_t context_tokens = 0;   // 0: what the model was made for
  std::string kv_cache_type = "auto";
  std::string quantize;  // empty: weights as they are stored
};
// --model
void AddModelOption(CLI::App& app, ModelOptions& options);
// --embedding-model
void AddEmbeddingModelOption(CLI::App& app, ModelOptions& options);
// --rerank-model
void AddRerankModelOption(CLI::App& app, ModelOptions& options);
// --device, --threads
void AddDeviceOptions(CLI::App& app, ModelOptions& options);
// --context-tokens, --kv-cache-type
void AddCacheOptions(CLI::App& app, ModelOptions& options);

// The seconds of "500ms", "30s", "2m", "1h" or "30". Returns INVALID_ARGUMENT for anything else.
StatusOr<double> ParseDuration(std::string_view text);

}  // namespace quire::services::cli
