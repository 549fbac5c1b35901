#pragma once

#include <string>

#include "quire/inference/v1/inference.pb.h"
#include "services/inference/generation.h"
#include "services/inference/handlers.h"

// Events of the engine as response messages. Generate and Chat have the same fields in messages of
// different types, hence the templates.

namespace quire::services {

// Runs `request` and streams it: started, deltas and a finished for each output, usage.
// `Response` is StreamGenerateResponse or StreamChatResponse.
template <typename Response>
Status StreamEvents(const ServedLanguageModel& model, const InferenceCall& call,
                    engine::Request request, const ResponseWriter<Response>& writer) {
  const auto prompt_tokens = static_cast<std::int32_t>(request.prompt.size());
  const std::int32_t num_outputs = request.num_outputs;
  QUIRE_ASSIGN_OR_RETURN(const auto stream, Submit(model, std::move(request)));
  Response started;
  started.mutable_started()->set_request_id(call.request_id);
  started.mutable_started()->set_model(model.name);
  started.mutable_started()->set_prompt_tokens(prompt_tokens);
  if (!writer(started)) return Cancelled("call: the client is gone");
  Response usage;
  const auto write = [&](const engine::OutputEvent& event) {
    Response message;
    if (!event.ids.empty() || !event.text.empty()) {
      auto* delta = message.mutable_delta();
      delta->set_output(event.output);
      delta->set_text(event.text);
      delta->mutable_token_ids()->Add(event.ids.begin(), event.ids.end());
      for (const auto& token : event.logprobs) *delta->add_logprobs() = ToProto(token);
      if (!writer(message)) return false;
    }
    if (!event.finish) return true;
    AddUsage(event.usage, *usage.mutable_usage());
    auto* finished = message.mutable_finished();
    finished->set_output(event.output);
    finished->set_reason(ToProto(*event.finish));
    finished->set_stop_match(event.stop_match);
    return writer(message);
  };
  QUIRE_RETURN_IF_ERROR(ReadEvents(*stream, call, num_outputs, write));
  return writer(usage) ? OkStatus() : Cancelled("call: the client is gone");
}

// Adds what `event` brings to `output`: a response, for the first output, or an Output.
template <typename Output>
void AppendEvent(const engine::OutputEvent& event, Output& output) {
  for (const auto& token : event.logprobs) *output.add_logprobs() = ToProto(token);
  if (!event.finish) return;
  output.set_finish_reason(ToProto(*event.finish));
  output.set_stop_match(event.stop_match);
}

// Runs `request` to its end and fills what the unary responses have in common. The text of the
// first output goes to `text`; each of its events to `also`.
template <typename Response>
Status CollectEvents(const ServedLanguageModel& model, const InferenceCall& call,
                     engine::Request request, Response& response, std::string& text,
                     const std::function<void(const engine::OutputEvent&)>& also) {
  const std::int32_t num_outputs = request.num_outputs;
  for (std::int32_t i = 1; i < num_outputs; ++i) response.add_more_outputs();
  QUIRE_ASSIGN_OR_RETURN(const auto stream, Submit(model, std::move(request)));
  return ReadEvents(*stream, call, num_outputs, [&](const engine::OutputEvent& event) {
    if (event.finish) AddUsage(event.usage, *response.mutable_usage());
    if (event.output == 0) {
      text += event.text;
      also(event);
      AppendEvent(event, response);
      return true;
    }
    inference::v1::Output& output = *response.mutable_more_outputs(event.output - 1);
    output.mutable_text()->append(event.text);
    output.mutable_token_ids()->Add(event.ids.begin(), event.ids.end());
    AppendEvent(event, output);
    return true;
  });
}

}  // namespace quire::services
