#pragma once

#include <string>

#include "quire/inference/v1/inference.pb.h"
#include "services/inference/generation.h"
#include "services/inference/handlers.h"

// Events of the engine as response messages. Generate and Chat have the same fields in messages of
// different types, hence the templates.

namespace quire::services {

// Runs `request` and streams it: started, deltas, finished, usage.
// `Response` is StreamGenerateResponse or StreamChatResponse.
template <typename Response>
Status StreamEvents(const ServedLanguageModel& model, const InferenceCall& call,
                    engine::Request request, const ResponseWriter<Response>& writer) {
  const auto prompt_tokens = static_cast<std::int32_t>(request.prompt.size());
  QUIRE_ASSIGN_OR_RETURN(const auto stream, Submit(model, std::move(request)));
  Response started;
  started.mutable_started()->set_request_id(call.request_id);
  started.mutable_started()->set_model(model.name);
  started.mutable_started()->set_prompt_tokens(prompt_tokens);
  if (!writer(started)) return Cancelled("call: the client is gone");
  return ReadEvents(*stream, call, [&](const engine::OutputEvent& event) {
    Response message;
    if (!event.ids.empty() || !event.text.empty()) {
      auto* delta = message.mutable_delta();
      delta->set_text(event.text);
      delta->mutable_token_ids()->Add(event.ids.begin(), event.ids.end());
      for (const auto& token : event.logprobs) *delta->add_logprobs() = ToProto(token);
      if (!writer(message)) return false;
    }
    if (!event.finish) return true;
    message.mutable_finished()->set_reason(ToProto(*event.finish));
    message.mutable_finished()->set_stop_match(event.stop_match);
    if (!writer(message)) return false;
    *message.mutable_usage() = ToProto(event.usage);
    return writer(message);
  });
}

// Runs `request` to its end and fills what the unary responses have in common. The text goes to
// `text`; each event to `also`.
template <typename Response>
Status CollectEvents(const ServedLanguageModel& model, const InferenceCall& call,
                     engine::Request request, Response& response, std::string& text,
                     const std::function<void(const engine::OutputEvent&)>& also) {
  QUIRE_ASSIGN_OR_RETURN(const auto stream, Submit(model, std::move(request)));
  return ReadEvents(*stream, call, [&](const engine::OutputEvent& event) {
    text += event.text;
    for (const auto& token : event.logprobs) *response.add_logprobs() = ToProto(token);
    also(event);
    if (event.finish) {
      response.set_finish_reason(ToProto(*event.finish));
      response.set_stop_match(event.stop_match);
      *response.mutable_usage() = ToProto(event.usage);
    }
    return true;
  });
}

}  // namespace quire::services
