#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/token_windows.h"
#include "tests/support/engine_requests.h"
#include "tests/support/status_matchers.h"

namespace quire::testing {

// Log-probabilities of the tokens of `text` under the model at `path`, in windows of
// `window_tokens` that begin as `quire perplexity` begins them.
inline std::vector<double> Logprobs(const std::string& path, const std::string& text,
                                    std::size_t window_tokens, kernels::Device& device,
                                    std::optional<kernels::RoundingKind> quantize = {}) {
  engine::EngineOptions options;
  options.model_path = path;
  options.quantize = quantize;
  const auto engine = engine::Engine::Create(options, device);
  EXPECT_THAT(engine, IsOk());
  if (!engine.ok()) return {};
  const engine::Tokenizer& tokenizer = (*engine)->tokenizer();
  const auto encode = [&](std::string_view piece, bool special) {
    return tokenizer.Encode(piece, {.add_special_tokens = special});
  };
  const auto leading = engine::LeadingTokens(encode("a", true), encode("a", false));
  std::vector<engine::Request> requests;
  for (const auto& window : engine::CutWindows(encode(text, false), leading, window_tokens)) {
    requests.push_back(GreedyRequest(window, 0));
    requests.back().num_prompt_logprobs = 0;
  }
  std::vector<double> logprobs;
  for (const Collected& result : RunRequests(**engine, std::move(requests))) {
    EXPECT_THAT(result.status, IsOk());
    for (const auto& scored : result.output.prompt_logprobs) {
      logprobs.push_back(scored.token.logprob);
    }
  }
  return logprobs;
}

inline double PerplexityOf(const std::vector<double>& logprobs) {
  double sum = 0;
  for (const double logprob : logprobs) sum += logprob;
  return std::exp(-sum / static_cast<double>(logprobs.size()));
}

}  // namespace quire::testing
