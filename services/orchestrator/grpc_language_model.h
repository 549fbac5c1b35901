#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/orchestrator/answer_call.h"
#include "services/orchestrator/language_model.h"
#include "services/orchestrator/retry_policy.h"

namespace quire::services {

// A language model of the inference service. Calls take deadline, cancellation and request id of
// the call they are made for. Prompts are sent as the model takes them: as system and user
// messages; as one user message if its chat template knows no system role; as plain text if it has
// no template. Thread-safe.
class GrpcLanguageModel final : public LanguageModel {
 public:
  // `call` is borrowed. `model` as in ChatRequest.model.
  GrpcLanguageModel(const std::shared_ptr<grpc::Channel>& inference, const AnswerCall& call,
                    std::string model);

  StatusOr<std::int32_t> ContextTokens() override;
  StatusOr<std::int32_t> CountPromptTokens(const Prompt& prompt) override;
  StatusOr<std::vector<std::int32_t>> CountTokens(std::span<const std::string> texts) override;
  // Tries again while RetryPolicy allows, the deadline is not near and no delta has come.
  StatusOr<Completion> Generate(const Prompt& prompt, const GenerationOptions& options,
                                const std::function<bool(std::string_view)>& on_delta) override;

 private:
  enum class PromptForm { kSystemAndUser, kUserOnly, kPlainText };
  struct Model {
    std::int32_t context_tokens = 0;
    PromptForm form = PromptForm::kSystemAndUser;
  };

  // Asks the service at the first call.
  StatusOr<Model> Describe();
  StatusOr<PromptForm> FindForm(bool can_chat);
  std::string ResourceName() const;

  static std::vector<inference::v1::Message> Messages(const Prompt& prompt, PromptForm form);
  static std::string PlainText(const Prompt& prompt);
  StatusOr<std::int32_t> CountMessages(const std::vector<inference::v1::Message>& messages);
  StatusOr<std::vector<std::int32_t>> CountBatch(std::span<const std::string> texts,
                                                 bool include_special_tokens);

  StatusOr<Completion> GenerateOnce(const Prompt& prompt, const GenerationOptions& options,
                                    const std::function<bool(std::string_view)>& on_delta);
  StatusOr<Completion> Chat(const std::vector<inference::v1::Message>& messages,
                            const GenerationOptions& options,
                            const std::function<bool(std::string_view)>& on_delta);
  StatusOr<Completion> Continue(const Prompt& prompt, const GenerationOptions& options,
                                const std::function<bool(std::string_view)>& on_delta);
  // Waits for the time before another attempt. False: there is none.
  bool WaitToRetry(const Status& status, int next_attempt, const std::stop_token& stop);

  const std::unique_ptr<inference::v1::InferenceService::Stub> stub_;
  const AnswerCall& call_;
  const std::string model_name_;

  std::mutex mutex_;
  std::optional<Model> model_;  // guarded by mutex_
  RetryPolicy retry_policy_;    // guarded by mutex_
};

}  // namespace quire::services
