#pragma once

#include <string>

#include "engine/scheduler/request.h"
#include "quire/inference/v1/inference.pb.h"
#include "services/inference/call.h"

namespace quire::services {

// `client_id` of a request, or the caller's address where it names none.
const std::string& ClientOf(const InferenceCall& call, const std::string& client_id);

engine::SchedulingParams ToEngine(const InferenceCall& call,
                                  const inference::v1::SchedulingOptions& options);

// Sets whose share `request` takes and how many tokens are guessed ahead. `Message` is
// GenerateRequest or ChatRequest; valid.
template <typename Message>
void SetScheduling(const InferenceCall& call, const Message& message,
                   std::int32_t default_prompt_lookup, engine::Request& request) {
  request.scheduling = ToEngine(call, message.scheduling());
  request.max_draft_tokens =
      message.has_prompt_lookup_tokens() ? message.prompt_lookup_tokens() : default_prompt_lookup;
}

}  // namespace quire::services
