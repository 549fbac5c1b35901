#include "services/orchestrator/grpc_language_model.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "services/server/channel.h"
#include "services/server/grpc_status.h"

namespace quire::services {
namespace {

namespace inference_pb = inference::v1;

// Limits of one CountTokens request; bytes below those of the API, with room for its framing.
constexpr std::size_t kMaxTextsPerCount = 65'536;
constexpr std::size_t kMaxBytesPerCount = std::size_t{8} << 20;
constexpr std::chrono::milliseconds kCancellationPoll{20};

Status FromInference(const grpc::Status& status) {
  return Annotate(FromGrpcStatus(status), "inference service");
}

std::string JoinPrompt(const Prompt& prompt) {
  return prompt.system.empty() ? prompt.user : prompt.system + "\n\n" + prompt.user;
}

inference_pb::Message MakeMessage(const std::string& role, const std::string& content) {
  inference_pb::Message message;
  message.set_role(role);
  message.set_content(content);
  return message;
}

template <typename Request>
void SetOptions(const GenerationOptions& options, const AnswerCall& call, Request& request) {
  request.mutable_sampling()->set_temperature(options.temperature);
  if (options.seed) request.mutable_sampling()->set_seed(*options.seed);
  request.mutable_stopping()->set_max_tokens(options.max_tokens);
  // The calls of one task take turns as one and end together.
  request.mutable_scheduling()->set_client_id(call.client);
  request.mutable_scheduling()->set_group_id(call.request_id);
}

void SetUsage(const inference_pb::Usage& usage, Completion& completion) {
  completion.prompt_tokens = usage.prompt_tokens();
  completion.completion_tokens = usage.completion_tokens();
  completion.cached_tokens = usage.cached_tokens();
}

template <typename Response>
Completion ToCompletion(const Response& response, const std::string& text) {
  Completion completion = {
      .text = text, .truncated = response.finish_reason() == inference_pb::FINISH_REASON_LENGTH};
  SetUsage(response.usage(), completion);
  return completion;
}

// Reads StreamGenerate or StreamChat to its end.
template <typename Response>
StatusOr<Completion> ReadStream(grpc::ClientContext& context, grpc::ClientReader<Response>& reader,
                                const std::function<bool(std::string_view)>& on_delta) {
  Completion completion;
  bool wanted = true;
  for (Response response; wanted && reader.Read(&response);) {
    if (response.has_delta()) {
      completion.text += response.delta().text();
      wanted = response.delta().text().empty() || on_delta(response.delta().text());
    } else if (response.has_finished()) {
      completion.truncated = response.finished().reason() == inference_pb::FINISH_REASON_LENGTH;
    } else if (response.has_usage()) {
      SetUsage(response.usage(), completion);
    }
  }
  if (!wanted) context.TryCancel();
  const grpc::Status status = reader.Finish();
  if (!wanted) return Cancelled("inference service: the reader of the stream has gone");
  if (!status.ok()) return FromInference(status);
  return completion;
}

}  // namespace

GrpcLanguageModel::GrpcLanguageModel(const std::shared_ptr<grpc::Channel>& inference,
                                     const AnswerCall& call, std::string model)
    : stub_(inference_pb::InferenceService::NewStub(inference)),
      call_(call),
      model_name_(std::move(model)),
      retry_policy_(std::random_device()()) {}

StatusOr<std::int32_t> GrpcLanguageModel::ContextTokens() {
  QUIRE_ASSIGN_OR_RETURN(const Model model, Describe());
  return model.context_tokens;
}

StatusOr<std::int32_t> GrpcLanguageModel::CountPromptTokens(const Prompt& prompt) {
  QUIRE_ASSIGN_OR_RETURN(const Model model, Describe());
  if (model.form != PromptForm::kPlainText) return CountMessages(Messages(prompt, model.form));
  const std::string text = PlainText(prompt);
  QUIRE_ASSIGN_OR_RETURN(const auto counts,
                         CountBatch({&text, 1}, /*include_special_tokens=*/true));
  return counts.front();
}

StatusOr<std::vector<std::int32_t>> GrpcLanguageModel::CountTokens(
    std::span<const std::string> texts) {
  std::vector<std::int32_t> counts;
  while (!texts.empty()) {
    std::size_t size = 0;
    for (std::size_t bytes = 0; size < std::min(texts.size(), kMaxTextsPerCount); ++size) {
      bytes += texts[size].size();
      if (size > 0 && bytes > kMaxBytesPerCount) break;
    }
    QUIRE_ASSIGN_OR_RETURN(const auto batch,
                           CountBatch(texts.first(size), /*include_special_tokens=*/false));
    counts.insert(counts.end(), batch.begin(), batch.end());
    texts = texts.subspan(size);
  }
  return counts;
}

StatusOr<Completion> GrpcLanguageModel::Generate(
    const Prompt& prompt, const GenerationOptions& options,
    const std::function<bool(std::string_view)>& on_delta) {
  bool delivered = false;
  std::function<bool(std::string_view)> deliver;
  if (on_delta) {
    deliver = [&](std::string_view delta) {
      delivered = true;
      return on_delta(delta);
    };
  }
  for (int attempt = 1;; ++attempt) {
    StatusOr<Completion> completion = GenerateOnce(prompt, options, deliver);
    if (completion.ok() || delivered) return completion;
    if (!WaitToRetry(completion.status(), attempt + 1, options.stop)) return completion;
  }
}

StatusOr<Completion> GrpcLanguageModel::GenerateOnce(
    const Prompt& prompt, const GenerationOptions& options,
    const std::function<bool(std::string_view)>& on_delta) {
  QUIRE_ASSIGN_OR_RETURN(const Model model, Describe());
  return model.form == PromptForm::kPlainText
             ? Continue(prompt, options, on_delta)
             : Chat(Messages(prompt, model.form), options, on_delta);
}

StatusOr<Completion> GrpcLanguageModel::Chat(
    const std::vector<inference_pb::Message>& messages, const GenerationOptions& options,
    const std::function<bool(std::string_view)>& on_delta) {
  inference_pb::ChatRequest request;
  request.set_model(model_name_);
  request.mutable_messages()->Add(messages.begin(), messages.end());
  SetOptions(options, call_, request);
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const std::stop_callback cancel(options.stop, [&] { context->TryCancel(); });
  if (on_delta) return ReadStream(*context, *stub_->StreamChat(context.get(), request), on_delta);
  inference_pb::ChatResponse response;
  const grpc::Status status = stub_->Chat(context.get(), request, &response);
  if (!status.ok()) return FromInference(status);
  return ToCompletion(response, response.message().content());
}

StatusOr<Completion> GrpcLanguageModel::Continue(
    const Prompt& prompt, const GenerationOptions& options,
    const std::function<bool(std::string_view)>& on_delta) {
  inference_pb::GenerateRequest request;
  request.set_model(model_name_);
  request.set_text(PlainText(prompt));
  SetOptions(options, call_, request);
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const std::stop_callback cancel(options.stop, [&] { context->TryCancel(); });
  if (on_delta) {
    return ReadStream(*context, *stub_->StreamGenerate(context.get(), request), on_delta);
  }
  inference_pb::GenerateResponse response;
  const grpc::Status status = stub_->Generate(context.get(), request, &response);
  if (!status.ok()) return FromInference(status);
  return ToCompletion(response, response.text());
}

bool GrpcLanguageModel::WaitToRetry(const Status& status, int next_attempt,
                                    const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto delay = retry_policy_.Delay(status, next_attempt);
  lock.unlock();
  if (!delay || std::chrono::system_clock::now() + *delay >= call_.context.deadline()) return false;
  const auto end = std::chrono::steady_clock::now() + *delay;
  while (std::chrono::steady_clock::now() < end) {
    if (call_.context.IsCancelled() || stop.stop_requested()) return false;
    std::this_thread::sleep_for(kCancellationPoll);
  }
  return true;
}

StatusOr<GrpcLanguageModel::Model> GrpcLanguageModel::Describe() {
  const std::lock_guard lock(mutex_);
  if (model_) return *model_;
  inference_pb::GetModelRequest request;
  request.set_name(ResourceName());
  inference_pb::GetModelResponse response;
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const grpc::Status status = stub_->GetModel(context.get(), request, &response);
  if (!status.ok()) return FromInference(status);
  const inference_pb::Model& model = response.model();
  if (!model.can_generate() && !model.can_chat()) {
    return FailedPrecondition("{}: wanted a language model, have {}", model.name(),
                              model.architecture());
  }
  QUIRE_ASSIGN_OR_RETURN(const PromptForm form, FindForm(model.can_chat()));
  model_ = Model{.context_tokens = model.context_tokens(), .form = form};
  return *model_;
}

std::string GrpcLanguageModel::ResourceName() const {
  if (model_name_.empty()) return "models/default";
  return model_name_.starts_with("models/") ? model_name_ : "models/" + model_name_;
}

StatusOr<GrpcLanguageModel::PromptForm> GrpcLanguageModel::FindForm(bool can_chat) {
  if (!can_chat) return PromptForm::kPlainText;
  const Status status =
      CountMessages({MakeMessage("system", "Answer."), MakeMessage("user", "Question")}).status();
  if (absl::IsInvalidArgument(status)) return PromptForm::kUserOnly;
  QUIRE_RETURN_IF_ERROR(status);
  return PromptForm::kSystemAndUser;
}

std::vector<inference_pb::Message> GrpcLanguageModel::Messages(const Prompt& prompt,
                                                               PromptForm form) {
  if (form == PromptForm::kUserOnly || prompt.system.empty()) {
    return {MakeMessage("user", JoinPrompt(prompt))};
  }
  return {MakeMessage("system", prompt.system), MakeMessage("user", prompt.user)};
}

std::string GrpcLanguageModel::PlainText(const Prompt& prompt) { return JoinPrompt(prompt) + "\n"; }

StatusOr<std::int32_t> GrpcLanguageModel::CountMessages(
    const std::vector<inference_pb::Message>& messages) {
  inference_pb::RenderPromptRequest request;
  request.set_model(model_name_);
  request.mutable_messages()->Add(messages.begin(), messages.end());
  request.set_count_only(true);
  inference_pb::RenderPromptResponse response;
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const grpc::Status status = stub_->RenderPrompt(context.get(), request, &response);
  if (!status.ok()) return FromInference(status);
  return response.num_tokens();
}

StatusOr<std::vector<std::int32_t>> GrpcLanguageModel::CountBatch(
    std::span<const std::string> texts, bool include_special_tokens) {
  inference_pb::CountTokensRequest request;
  request.set_model(model_name_);
  request.mutable_texts()->Add(texts.begin(), texts.end());
  request.set_include_special_tokens(include_special_tokens);
  inference_pb::CountTokensResponse response;
  const auto context = MakeChildContext(call_.context, call_.request_id);
  const grpc::Status status = stub_->CountTokens(context.get(), request, &response);
  if (!status.ok()) return FromInference(status);
  if (response.num_tokens_size() != static_cast<int>(texts.size())) {
    return Internal("inference service: wanted {} token counts, have {}", texts.size(),
                    response.num_tokens_size());
  }
  return std::vector<std::int32_t>(response.num_tokens().begin(), response.num_tokens().end());
}

}  // namespace quire::services
