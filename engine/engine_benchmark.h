#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "kernels/device.h"
#include "kernels/quant/round_to_nearest.h"

namespace quire::engine {

struct BenchmarkOptions {
  std::string shape;       // a name that FindModelShape knows: random weights, no file
  std::string model_path;  // or a Hugging Face directory; exactly one of the two
  std::int32_t prompt_tokens = 256;
  std::int32_t new_tokens = 64;
  std::int32_t batch = 1;  // sequences at once
  kernels::DType kv_cache_dtype = kernels::DType::kF32;
  std::uint64_t seed = 1;                         // of weights and prompts
  std::optional<kernels::RoundingKind> quantize;  // as EngineOptions
};

struct BenchmarkResult {
  double prefill_tokens_per_s = 0;  // prompt tokens of the whole batch
  double decode_tokens_per_s = 0;   // output tokens of the whole batch
  std::int64_t weight_bytes = 0;
  // This machine's own limits, measured in the same run.
  double stream_bytes_per_s = 0;
  double f32_flops_per_s = 0;
  // What decode reads, weights (but for an untied embedding table) and cache, per second, over
  // stream_bytes_per_s.
  double bandwidth_share = 0;
  // Multiply-adds of the prefill's matrices, two operations each, over f32_flops_per_s.
  double prefill_flops_share = 0;
  std::int64_t kv_cache_bytes = 0;
  std::int64_t peak_rss_bytes = 0;  // of this process so far
};

// Runs prefill and greedy decode through scheduler, model and sampler, as a server does, without
// text. Warms up with the same prompts first. Returns NOT_FOUND for an unknown shape,
// INVALID_ARGUMENT naming the option, or an error of loading.
StatusOr<BenchmarkResult> BenchmarkEngine(const BenchmarkOptions& options, kernels::Device& device);

}  // namespace quire::engine
