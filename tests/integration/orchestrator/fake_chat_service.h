#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/server/error_details.h"
#include "services/server/grpc_status.h"
#include "tests/support/fake_language_model.h"

namespace quire::testing {

// The text part of InferenceService over FakeLanguageModel's words. Members may be set while it
// serves.
class FakeChatService final : public inference::v1::InferenceService::Service {
 public:
  static constexpr std::int32_t kContextTokens = 300;
  // The tokens that a chat template, or a BOS token, adds.
  static constexpr std::int32_t kAddedTokens = 3;

  std::atomic<bool> can_chat = true;
  std::atomic<bool> knows_system_role = true;
  std::atomic<int> num_refusals = 0;  // of the next calls, RESOURCE_EXHAUSTED
  std::atomic<bool> says_when_to_come_back = true;
  std::atomic<bool> hangs = false;       // until the call is cancelled
  std::atomic<int> num_generations = 0;  // calls begun
  std::atomic<int> num_cancelled = 0;    // hanging calls that were cancelled
  std::function<std::string(const std::string& prompt)> reply = [](const std::string&) {
    return "It is 30 days [1].";
  };

  // Prompts of all generations, messages joined by a blank line.
  std::vector<std::string> prompts() const {
    const std::lock_guard lock(mutex_);
    return prompts_;
  }
  // The different x-request-ids of all generations.
  std::set<std::string> request_ids() const {
    const std::lock_guard lock(mutex_);
    return request_ids_;
  }
  // Whether the last generation had a deadline within a minute.
  std::atomic<bool> had_deadline = false;

  grpc::Status GetModel(grpc::ServerContext*, const inference::v1::GetModelRequest* request,
                        inference::v1::GetModelResponse* response) override {
    if (request->name() != "models/default" && request->name() != "models/words") {
      return {grpc::StatusCode::NOT_FOUND, request->name() + ": not served"};
    }
    auto& model = *response->mutable_model();
    model.set_name("models/words");
    model.set_context_tokens(kContextTokens);
    model.set_can_generate(true);
    model.set_can_chat(can_chat);
    return grpc::Status::OK;
  }

  grpc::Status RenderPrompt(grpc::ServerContext*, const inference::v1::RenderPromptRequest* request,
                            inference::v1::RenderPromptResponse* response) override {
    if (!knows_system_role && request->messages(0).role() == "system") {
      return {grpc::StatusCode::INVALID_ARGUMENT, "System role not supported"};
    }
    response->set_num_tokens(CountTokens(Join(request->messages())));
    response->set_context_tokens(kContextTokens);
    return grpc::Status::OK;
  }

  grpc::Status CountTokens(grpc::ServerContext*, const inference::v1::CountTokensRequest* request,
                           inference::v1::CountTokensResponse* response) override {
    for (const std::string& text : request->texts()) {
      response->add_num_tokens(FakeLanguageModel::CountWords(text) +
                               (request->include_special_tokens() ? kAddedTokens : 0));
    }
    return grpc::Status::OK;
  }

  grpc::Status Chat(grpc::ServerContext* context, const inference::v1::ChatRequest* request,
                    inference::v1::ChatResponse* response) override {
    const auto said = Generate(*context, Join(request->messages()), request->stopping());
    if (!said.ok()) return services::ToGrpcStatus(said.status());
    response->mutable_message()->set_content(*said);
    response->mutable_usage()->set_prompt_tokens(CountTokens(Join(request->messages())));
    return grpc::Status::OK;
  }

  grpc::Status StreamChat(grpc::ServerContext* context, const inference::v1::ChatRequest* request,
                          grpc::ServerWriter<inference::v1::StreamChatResponse>* writer) override {
    return Stream(*context, Join(request->messages()), request->stopping(), *writer);
  }

  grpc::Status StreamGenerate(
      grpc::ServerContext* context, const inference::v1::GenerateRequest* request,
      grpc::ServerWriter<inference::v1::StreamGenerateResponse>* writer) override {
    return Stream(*context, request->text(), request->stopping(), *writer);
  }

 private:
  template <typename Messages>
  static std::string Join(const Messages& messages) {
    std::string prompt;
    for (const auto& message : messages) {
      prompt += (prompt.empty() ? "" : "\n\n") + message.content();
    }
    return prompt;
  }
  static std::int32_t CountTokens(const std::string& prompt) {
    return FakeLanguageModel::CountWords(prompt) + kAddedTokens;
  }

  StatusOr<std::string> Generate(const grpc::ServerContext& context, const std::string& prompt,
                                 const inference::v1::StoppingCriteria& stopping) {
    ++num_generations;
    Record(context, prompt);
    const std::int32_t tokens = CountTokens(prompt) + stopping.max_tokens();
    if (tokens > kContextTokens) {
      return services::ContextLengthExceeded("messages", tokens, kContextTokens);
    }
    if (num_refusals.fetch_sub(1) > 0) {
      const Status full = ResourceExhausted("queue is full");
      return says_when_to_come_back ? services::WithRetryInfo(full, std::chrono::milliseconds(1))
                                    : full;
    }
    while (hangs) {
      if (context.IsCancelled()) {
        ++num_cancelled;
        return Cancelled("the client has gone");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return reply(prompt);
  }

  void Record(const grpc::ServerContext& context, const std::string& prompt) {
    const auto now = std::chrono::system_clock::now();
    had_deadline = context.deadline() > now && context.deadline() < now + std::chrono::minutes(1);
    const std::lock_guard lock(mutex_);
    prompts_.push_back(prompt);
    const auto id = context.client_metadata().find("x-request-id");
    if (id != context.client_metadata().end()) {
      request_ids_.emplace(id->second.data(), id->second.size());
    }
  }

  template <typename Response>
  grpc::Status Stream(const grpc::ServerContext& context, const std::string& prompt,
                      const inference::v1::StoppingCriteria& stopping,
                      grpc::ServerWriter<Response>& writer) {
    const auto said = Generate(context, prompt, stopping);
    if (!said.ok()) return services::ToGrpcStatus(said.status());
    Response response;
    response.mutable_started();
    writer.Write(response);
    for (std::size_t at = 0; at < said->size(); at += 3) {
      response.mutable_delta()->set_text(said->substr(at, 3));
      writer.Write(response);
    }
    response.mutable_finished()->set_reason(inference::v1::FINISH_REASON_STOP);
    writer.Write(response);
    response.mutable_usage()->set_prompt_tokens(CountTokens(prompt));
    response.mutable_usage()->set_completion_tokens(FakeLanguageModel::CountWords(*said));
    writer.Write(response);
    return grpc::Status::OK;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> prompts_;
  std::set<std::string> request_ids_;
};

}  // namespace quire::testing
