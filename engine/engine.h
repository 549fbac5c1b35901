#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "engine/compute_turns.h"
#include "engine/model/model_config.h"
#include "engine/scheduler/request.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/device.h"
#include "kernels/quant/round_to_nearest.h"

namespace quire::engine {

// Numbers that a router or an operator reads.
struct EngineLoad {
  std::int32_t num_running = 0;
  std::int32_t num_waiting = 0;
  std::int32_t num_free_blocks = 0;
  std::int32_t num_blocks = 0;
  std::int64_t num_preemptions = 0;
  std::int64_t num_backlog_tokens = 0;  // of prompts that are not computed yet
  // How long they will take; 0 before the speed is known.
  std::chrono::nanoseconds expected_wait{0};
  double prompt_tokens_per_s = 0.0;  // how fast prompts are computed of late; 0: not known yet
};

// What the model will take, fixed at load.
struct EngineLimits {
  std::int32_t context_tokens = 0;  // prompt and output together
  std::int64_t weight_bytes = 0;
  std::int64_t workspace_bytes = 0;  // activations, logits and index arrays
  std::int64_t kv_cache_bytes = 0;
  std::int64_t host_tier_bytes = 0;
  kernels::DType kv_cache_dtype = kernels::DType::kF32;
};

// What becomes of a request whose reader does not take its output: it leaves the batch, then its
// blocks, then the engine.
struct SlowReaderLimits {
  std::int32_t max_unread_tokens = 256;            // more pause it, until half are read
  std::chrono::milliseconds preempt_after{5'000};  // paused for so long, it gives up its blocks
  std::chrono::milliseconds cancel_after{60'000};  // paused for so long, it ends, CANCELLED
};

struct EngineOptions {
  std::string model_path;        // a Hugging Face directory
  std::int32_t block_size = 16;  // tokens per KV block
  // Memory for the KV cache; 0: room for `max_sequences` half-full contexts, at most half of what
  // the machine has free, at least one full context. In a device's own memory 0 is nine tenths of
  // what the model leaves.
  std::int64_t kv_cache_bytes = 0;
  // Host memory for blocks that the cache has to hand out again, so that a prefix comes back with a
  // copy; 0: none. On a CPU the cache itself makes more of it.
  std::int64_t host_tier_bytes = 0;
  // Memory that weights, workspace and KV cache may take together, and the host tier where it is
  // the host's; nothing: what device or system have available.
  std::optional<std::int64_t> memory_bytes;
  kernels::DType kv_cache_dtype = kernels::DType::kF32;
  std::int32_t context_tokens = 0;  // 0: what the model was made for
  // Tokens computed per step; 0: what the device is efficient with. A step is what a short request
  // waits for.
  std::int32_t max_batch_tokens = 0;
  std::int32_t max_sequences = 32;         // running at once
  std::int32_t max_queued_requests = 256;  // more are refused
  // Prompt tokens of all requests that wait; more are refused.
  std::int64_t max_queued_tokens = std::int64_t{4} << 20;
  SlowReaderLimits slow_readers;
  bool prefix_cache = true;  // blocks of equal prefixes are computed once
  bool record_steps = true;  // see TransformerLimits
  // Shared with the embedder on the same device; null: the language model has the device alone.
  std::shared_ptr<ComputeTurns> turns = nullptr;
  // Quantizes the plain weights of linear layers while they are loaded.
  std::optional<kernels::RoundingKind> quantize = std::nullopt;
};

// The reading end of one running request. Destroying it cancels the request.
// Thread-safe; meant for one reader.
class OutputStream {
 public:
  virtual ~OutputStream() = default;
  // Waits for the next event until `timeout`. Returns nothing on timeout and after the last event
  // of the last output; events of one output that came meanwhile are joined into one. An error ends
  // the stream: CANCELLED, DEADLINE_EXCEEDED, INTERNAL.
  virtual StatusOr<std::optional<OutputEvent>> Next(std::chrono::milliseconds timeout) = 0;
  // Asks the engine to stop; its blocks are free after the step that is running. Idempotent.
  virtual void Cancel() = 0;
};

// Runs requests on one language model: continuous batching over a paged KV cache. Owns the step
// loop on one thread; nobody else touches scheduling state.
//
// Thread-safe.
class Engine {
 public:
  // Loads model, tokenizer and template, and starts the loop. `device` must outlive the engine and
  // may be shared. Returns NOT_FOUND if there is no such model, DATA_LOSS naming file and tensor if
  // the weights are damaged, INVALID_ARGUMENT if the configuration is malformed, UNIMPLEMENTED if
  // the architecture is not known or the device has no kernels for the type of the cache,
  // RESOURCE_EXHAUSTED if weights, workspace and one context do not fit, with the context that
  // would.
  static StatusOr<std::unique_ptr<Engine>> Create(const EngineOptions& options,
                                                  kernels::Device& device);
  virtual ~Engine() = default;

  // Queues a request. Returns INVALID_ARGUMENT naming the field if it can never run (too long for
  // the context, ids out of range, bad sampling), RESOURCE_EXHAUSTED if the queue is full or its
  // deadline would pass before its prompt is computed; load().expected_wait says when to try again.
  // DATA_LOSS, from then on for every request, if the weights' file was truncated or written to.
  virtual StatusOr<std::unique_ptr<OutputStream>> Submit(Request request) = 0;

  // Ends every request of `client` with this group, CANCELLED. No effect if there is none.
  virtual void CancelGroup(const std::string& client, const std::string& group) = 0;

  virtual const ModelConfig& config() const = 0;
  virtual const EngineLimits& limits() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  // Null if the model has none.
  virtual const ChatTemplate* chat_template() const = 0;
  // generation_config.json over the defaults of SamplingParams.
  virtual const SamplingParams& default_sampling() const = 0;
  virtual EngineLoad load() const = 0;
};

}  // namespace quire::engine
