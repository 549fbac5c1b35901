#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/packing/ascii.h"

namespace quire::testing {

// A language model whose tokens are words and which says what a script tells it to. Refuses prompts
// that do not fit, like a real one. Thread-safe.
class FakeLanguageModel final : public services::LanguageModel {
 public:
  // What the model says to a prompt; `stop` is the call's.
  using Script =
      std::function<StatusOr<std::string>(const services::Prompt&, const std::stop_token& stop)>;

  // Words that a prompt takes besides its own: those of the template.
  static constexpr std::int32_t kTemplateTokens = 3;

  FakeLanguageModel(std::int32_t context_tokens, Script script)
      : context_tokens_(context_tokens), script_(std::move(script)) {}

  static std::int32_t CountWords(std::string_view text) {
    std::int32_t count = 0;
    bool in_word = false;
    for (const char c : text) {
      const bool is_space = services::IsAsciiSpace(c);
      count += !is_space && !in_word ? 1 : 0;
      in_word = !is_space;
    }
    return count;
  }
  static std::int32_t PromptTokens(const services::Prompt& prompt) {
    return kTemplateTokens + CountWords(prompt.system) + CountWords(prompt.user);
  }

  StatusOr<std::int32_t> ContextTokens() override { return context_tokens_; }

  StatusOr<std::int32_t> CountPromptTokens(const services::Prompt& prompt) override {
    const std::lock_guard lock(mutex_);
    ++num_counts_;
    return PromptTokens(prompt);
  }

  StatusOr<std::vector<std::int32_t>> CountTokens(std::span<const std::string> texts) override {
    std::vector<std::int32_t> counts;
    for (const std::string& text : texts) counts.push_back(CountWords(text));
    return counts;
  }

  StatusOr<services::Completion> Generate(
      const services::Prompt& prompt, const services::GenerationOptions& options,
      const std::function<bool(std::string_view)>& on_delta) override {
    const std::int32_t prompt_tokens = PromptTokens(prompt);
    {
      const std::lock_guard lock(mutex_);
      prompts_.push_back(prompt);
      max_running_ = std::max(max_running_, ++num_running_);
    }
    StatusOr<std::string> said = script_(prompt, options.stop);
    {
      const std::lock_guard lock(mutex_);
      --num_running_;
    }
    if (prompt_tokens + options.max_tokens > context_tokens_) {
      return Internal("fake model: wanted at most {} tokens, have a prompt of {} and {} to come",
                      context_tokens_, prompt_tokens, options.max_tokens);
    }
    if (!said.ok()) return said.status();
    services::Completion completion = {.text = *said, .prompt_tokens = prompt_tokens};
    Truncate(options.max_tokens, completion);
    if (on_delta && !Stream(completion.text, on_delta)) return Cancelled("fake model: stopped");
    return completion;
  }

  // Says more than it was allowed to, as a text can that takes more tokens when it is read again.
  void IgnoreMaxTokens() { ignores_max_tokens_ = true; }

  std::vector<services::Prompt> prompts() const {
    const std::lock_guard lock(mutex_);
    return prompts_;
  }
  // Most calls of Generate at one time.
  int max_running() const {
    const std::lock_guard lock(mutex_);
    return max_running_;
  }
  int num_running() const {
    const std::lock_guard lock(mutex_);
    return num_running_;
  }
  // Calls of CountPromptTokens.
  int num_counts() const {
    const std::lock_guard lock(mutex_);
    return num_counts_;
  }

 private:
  void Truncate(std::int32_t max_tokens, services::Completion& completion) const {
    completion.completion_tokens = CountWords(completion.text);
    if (ignores_max_tokens_ || completion.completion_tokens <= max_tokens) return;
    std::istringstream words(completion.text);
    completion.text.clear();
    for (std::int32_t i = 0; i < max_tokens; ++i) {
      std::string word;
      words >> word;
      completion.text += (i > 0 ? " " : "") + word;
    }
    completion.completion_tokens = max_tokens;
    completion.truncated = true;
  }

  // In pieces of one to three bytes, but whole characters.
  static bool Stream(std::string_view text, const std::function<bool(std::string_view)>& on_delta) {
    for (std::size_t piece = 1; !text.empty(); piece = piece % 3 + 1) {
      std::size_t size = std::min(piece, text.size());
      while (size < text.size() && IsUtf8Continuation(text[size])) ++size;
      if (!on_delta(text.substr(0, size))) return false;
      text.remove_prefix(size);
    }
    return true;
  }

  const std::int32_t context_tokens_;
  const Script script_;
  bool ignores_max_tokens_ = false;
  mutable std::mutex mutex_;
  std::vector<services::Prompt> prompts_;
  int num_running_ = 0;
  int max_running_ = 0;
  int num_counts_ = 0;
};

// A script that says the same to every prompt.
inline FakeLanguageModel::Script AlwaysSays(std::string text) {
  return [text = std::move(text)](const services::Prompt&, const std::stop_token&) { return text; };
}

}  // namespace quire::testing
