#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace quire::services {

// One prompt as roles, before the model's template.
struct Prompt {
  std::string system;  // may be empty
  std::string user;
};

struct GenerationOptions {
  std::int32_t max_tokens = 256;
  float temperature = 0.0f;
  std::optional<std::uint64_t> seed;
  std::stop_token stop;  // cancels the call: CANCELLED
};

struct Completion {
  std::string text;
  bool truncated = false;  // ended at max_tokens
  std::int32_t prompt_tokens = 0;
  std::int32_t completion_tokens = 0;
  std::int32_t cached_tokens = 0;
};

// The model as a strategy sees it: exact counts and completions. Implementations: GrpcLanguageModel
// over the inference service; FakeLanguageModel in tests. Bound to one task: its deadline and
// cancellation reach every call. Thread-safe.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  // Prompt and output together.
  virtual StatusOr<std::int32_t> ContextTokens() = 0;
  // Tokens of the rendered prompt, exactly as Generate would send it.
  virtual StatusOr<std::int32_t> CountPromptTokens(const Prompt& prompt) = 0;
  // Tokens of each text alone. A text inside a prompt can take a few more or fewer where it meets
  // its neighbours: budgets are made with this, and settled with CountPromptTokens.
  virtual StatusOr<std::vector<std::int32_t>> CountTokens(std::span<const std::string> texts) = 0;
  // Runs the prompt. `on_delta`, if given, is called with each piece of text as it comes; returning
  // false stops with CANCELLED.
  virtual StatusOr<Completion> Generate(const Prompt& prompt, const GenerationOptions& options,
                                        const std::function<bool(std::string_view)>& on_delta) = 0;
};

}  // namespace quire::services
