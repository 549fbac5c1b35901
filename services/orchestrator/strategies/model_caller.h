#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "services/orchestrator/citations/cited_text.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/prompts/task_prompts.h"

namespace quire::services {

// Makes the model calls of one task and adds up what they took. Replies are cleaned by MarkerFilter
// and have all sources of their prompt. Thread-safe.
class ModelCaller {
 public:
  // Hears cleaned text as it comes; joined, it is the reply's. An error stops the call.
  using TextSink = std::function<Status(std::string_view)>;

  // `model` is borrowed.
  ModelCaller(LanguageModel& model, const GenerationOptions& options)
      : model_(model), options_(options) {}

  // `stop` cancels the call.
  StatusOr<CitedText> Call(const NumberedPrompt& prompt, const std::stop_token& stop);
  // As Call, streaming.
  StatusOr<CitedText> Stream(const NumberedPrompt& prompt, const TextSink& sink);

  // Of all finished calls: model_calls and tokens; times are 0.
  orchestrator::v1::Usage usage() const;

 private:
  void Count(const Completion& completion);

  LanguageModel& model_;
  const GenerationOptions options_;
  mutable std::mutex mutex_;
  orchestrator::v1::Usage usage_;  // guarded by mutex_
};

}  // namespace quire::services
