#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "quire/inference/v1/inference.pb.h"

namespace quire::services::cli {

// How tokens are chosen, when to stop, and what the output must be. What is not set the model or
// the service decides.
struct SamplingOptions {
  std::optional<float> temperature;
  std::optional<std::int32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> typical_p;
  std::optional<float> repetition_penalty;
  std::optional<float> presence_penalty;
  std::optional<float> frequency_penalty;
  std::vector<std::string> logit_bias;  // "ID:BIAS"
  std::optional<std::uint64_t> seed;
  std::optional<std::int32_t> max_tokens;
  std::int32_t min_tokens = 0;
  std::vector<std::string> stop;
  std::vector<std::int32_t> stop_token_ids;
  std::optional<std::int32_t> prompt_lookup;
  bool ignore_eos = false;
  std::string json_schema_file;
  std::string regex;
  std::vector<std::string> choices;
};
void AddSamplingOptions(CLI::App& app, SamplingOptions& options);

// A token and the bias of its logit, from "ID:BIAS"; nothing if it is none.
std::optional<std::pair<std::int32_t, float>> ParseLogitBias(std::string_view text);

inference::v1::SamplingParams ToSamplingParams(const SamplingOptions& options);
inference::v1::StoppingCriteria ToStoppingCriteria(const SamplingOptions& options);
// Reads the schema's file. Nothing if the output may be anything. Returns NOT_FOUND if there is no
// such file, INVALID_ARGUMENT if it is too large.
StatusOr<std::optional<inference::v1::Constraint>> ToConstraint(const SamplingOptions& options);

// Sets all of `options` in a GenerateRequest or ChatRequest. Errors as ToConstraint.
template <typename Request>
Status SetGeneration(const SamplingOptions& options, Request& request) {
  *request.mutable_sampling() = ToSamplingParams(options);
  *request.mutable_stopping() = ToStoppingCriteria(options);
  QUIRE_ASSIGN_OR_RETURN(auto constraint, ToConstraint(options));
  if (constraint) *request.mutable_constraint() = *std::move(constraint);
  if (options.prompt_lookup) request.set_prompt_lookup_tokens(*options.prompt_lookup);
  return OkStatus();
}

// "12 prompt tokens (0 cached; nothing begins like it), 255 tokens, first after 8 ms, 1843.2
// tokens/s"
std::string FormatUsage(const inference::v1::Usage& usage);

}  // namespace quire::services::cli
