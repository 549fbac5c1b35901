#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/inference/v1/inference.pb.h"

namespace quire::services::cli {

// How tokens are chosen and when to stop. What is not set the model or the service decides.
struct SamplingOptions {
  std::optional<float> temperature;
  std::optional<std::int32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<std::uint64_t> seed;
  std::optional<std::int32_t> max_tokens;
  std::vector<std::string> stop;
  std::optional<std::int32_t> prompt_lookup;
  bool ignore_eos = false;
};
void AddSamplingOptions(CLI::App& app, SamplingOptions& options);

inference::v1::SamplingParams ToSamplingParams(const SamplingOptions& options);
inference::v1::StoppingCriteria ToStoppingCriteria(const SamplingOptions& options);

// "12 prompt tokens (0 cached; nothing begins like it), 255 tokens, first after 8 ms, 1843.2
// tokens/s"
std::string FormatUsage(const inference::v1::Usage& usage);

}  // namespace quire::services::cli
