#include "engine/tokenizer/chat_template.h"
#include "services/inference/handlers.h"
#include "services/inference/responses.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using inference::v1::ChatRequest;
using ChatMessages = google::protobuf::RepeatedPtrField<inference::v1::Message>;

std::string TokenText(const engine::Tokenizer& tokenizer, std::optional<engine::TokenId> id) {
  return id ? tokenizer.TokenText(*id) : "";
}

// The prompt of `messages`. Returns FAILED_PRECONDITION if the model has no chat template,
// INVALID_ARGUMENT with the template's message if it refuses them.
StatusOr<std::vector<engine::TextSegment>> Render(const ServedLanguageModel& model,
                                                  const InferenceCall& call,
                                                  const ChatMessages& messages,
                                                  bool add_generation_prompt) {
  const engine::ChatTemplate* chat_template = model.engine->chat_template();
  if (chat_template == nullptr) {
    return FailedPrecondition(
        "model '{}': wanted a chat template, have none: use Generate with a raw prompt",
        model.name);
  }
  std::vector<engine::ChatMessage> chat;
  chat.reserve(static_cast<std::size_t>(messages.size()));
  for (const auto& message : messages) chat.push_back({message.role(), message.content()});
  const engine::Tokenizer& tokenizer = model.engine->tokenizer();
  auto segments = chat_template->RenderMessages(
      chat, {.add_generation_prompt = add_generation_prompt,
             .bos_token = TokenText(tokenizer, tokenizer.bos_token_id()),
             .eos_token = TokenText(tokenizer, tokenizer.eos_token_id()),
             .now_seconds = call.now_seconds});
  // A limit of the interpreter is the request's fault too: the same messages never pass.
  if (!segments.ok()) return InvalidField("messages", Message(segments.status()));
  return segments;
}

StatusOr<engine::Request> MakeRequest(const ServedLanguageModel& model, const InferenceCall& call,
                                      const ChatRequest& request) {
  QUIRE_ASSIGN_OR_RETURN(const auto segments, Render(model, call, request.messages(),
                                                     /*add_generation_prompt=*/true));
  return MakeEngineRequest(model, call, "messages",
                           model.engine->tokenizer().EncodeSegments(segments), ParamsOf(request));
}

}  // namespace

Status Chat(const InferenceCall& call, const ModelRegistry& models, const ChatRequest& request,
            inference::v1::ChatResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(auto engine_request, MakeRequest(*model, call, request));
  response.mutable_message()->set_role("assistant");
  return CollectEvents(*model, call, std::move(engine_request), response,
                       *response.mutable_message()->mutable_content(),
                       [](const engine::OutputEvent&) {});
}

Status StreamChat(const InferenceCall& call, const ModelRegistry& models,
                  const ChatRequest& request,
                  const ResponseWriter<inference::v1::StreamChatResponse>& writer) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(auto engine_request, MakeRequest(*model, call, request));
  return StreamEvents(*model, call, std::move(engine_request), writer);
}

Status RenderPrompt(const InferenceCall& call, const ModelRegistry& models,
                    const inference::v1::RenderPromptRequest& request,
                    inference::v1::RenderPromptResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(const auto segments, Render(*model, call, request.messages(),
                                                     !request.omit_generation_prompt()));
  const auto ids = model->engine->tokenizer().EncodeSegments(segments);
  response.set_num_tokens(static_cast<std::int32_t>(ids.size()));
  response.set_context_tokens(model->engine->limits().context_tokens);
  if (!request.count_only()) {
    response.set_text(engine::JoinSegments(segments));
    response.mutable_token_ids()->Add(ids.begin(), ids.end());
  }
  return OkStatus();
}

}  // namespace quire::services
