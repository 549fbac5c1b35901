#pragma once

#include <grpcpp/impl/service_type.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "kernels/device.h"

namespace quire::services {

struct InferenceOptions {
  // Of each model a directory, or "hf:org/repo[@revision]", which Load downloads.
  std::string model;                   // the language model, or a .gguf file; empty: none
  std::string model_name;              // what requests call it; empty: last part of the path
  std::string embedding_model;         // or a .gguf file; empty: none
  std::string embedding_model_name;    // as model_name
  std::string rerank_model;            // empty: none
  std::string rerank_model_name;       // as model_name
  std::string device;                  // start of a device's name, "cpu/avx2"; empty: the fastest
  std::int32_t threads = 0;            // CPU threads of one operation; 0: every core
  std::int32_t block_size = 16;        // tokens per KV block
  std::int64_t kv_cache_bytes = 0;     // 0: as engine::EngineOptions says
  std::int64_t kv_host_bytes = 0;      // host memory for KV blocks that the cache hands out again
  std::string kv_cache_type = "auto";  // or one of engine::kKvCacheTypes
  std::string quantize;                // one of kernels::kRoundingKinds; empty: weights as they are
  std::int32_t context_tokens = 0;     // 0: what the model was made for
  std::int32_t max_batch_tokens = 0;
  std::int32_t max_sequences = 32;
  std::int32_t max_queued_requests = 256;
  std::int64_t max_queued_tokens = std::int64_t{4} << 20;
  bool prefix_cache = true;
  bool record_steps = true;               // see engine::TransformerLimits
  std::int32_t prompt_lookup_tokens = 0;  // where a request does not say
};

// The flags of quire-inference that fill `options`: --model, --model-name, --embedding-model,
// --embedding-model-name, --rerank-model, --rerank-model-name, --device, --threads, --quantize,
// --block-size, --kv-cache-bytes, --kv-host-bytes, --kv-cache-type,
// --context-tokens, --max-batch-tokens, --max-sequences, --max-queued-requests,
// --max-queued-tokens, --record-steps, --prefix-cache, --prompt-lookup.
void AddInferenceOptions(CLI::App& app, InferenceOptions& options);

// --kv-cache-type, for every command that has it.
void AddKvCacheTypeOption(CLI::App& app, std::string& kv_cache_type);

// --quantize, the same.
void AddQuantizeOption(CLI::App& app, std::string& quantize);

// Hosts InferenceService over a language model, an embedding model, a reranking model or several of
// them, at most one of each: what quire-inference, `quire serve` and `quire ask` run. In order:
// Create, Server::Start(services()),
// Load, Server::SetServing(true); at the end Server::Shutdown, then the destructor. Thread-safe.
class InferenceServer {
 public:
  // Checks the options and finds the device; reads no weights. Returns INVALID_ARGUMENT if no
  // model is named, or two have one name; NOT_FOUND if there is no such device.
  static StatusOr<std::unique_ptr<InferenceServer>> Create(const InferenceOptions& options);
  virtual ~InferenceServer() = default;

  // As above, on this device.
  static StatusOr<std::unique_ptr<InferenceServer>> Create(const InferenceOptions& options,
                                                           std::unique_ptr<kernels::Device> device);

  // Borrowed. Until Load is done their calls are UNAVAILABLE with RetryInfo.
  virtual std::vector<grpc::Service*> services() = 0;

  // Downloads what has to be, then loads the models: up to minutes for large ones. Errors as
  // hub::PullModel, engine::Engine::Create, engine::Embedder::Create and engine::Reranker::Create,
  // naming the flag, with ErrorInfo BAD_MODEL_FILE where the model's files are to blame and not the
  // options or the machine. Call once.
  virtual Status Load() = 0;

  // What was loaded, for the log: a line per model, then who gets the host's memory. Empty before
  // Load is done.
  virtual std::vector<std::string> Description() const = 0;

  // UNAVAILABLE once the device is lost. Calls fail with it from then on: the process should end,
  // so that another one is started.
  virtual Status health() const = 0;
};

}  // namespace quire::services
