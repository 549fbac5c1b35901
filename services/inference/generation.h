#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "quire/inference/v1/inference.pb.h"
#include "services/inference/call.h"
#include "services/inference/model_registry.h"

// From a request's parameters to the engine and from its events back: what Generate, Chat and
// Score share.

namespace quire::services {

// What GenerateRequest and ChatRequest have in common. Borrows the request.
struct GenerationParams {
  const inference::v1::SamplingParams& sampling;
  const inference::v1::StoppingCriteria& stopping;
  const inference::v1::ResponseOptions& options;
  const inference::v1::Constraint& constraint;
  const inference::v1::SchedulingOptions& scheduling;
  std::optional<std::int32_t> prompt_lookup_tokens;
};
template <typename Request>
GenerationParams ParamsOf(const Request& request) {
  return {.sampling = request.sampling(),
          .stopping = request.stopping(),
          .options = request.options(),
          .constraint = request.constraint(),
          .scheduling = request.scheduling(),
          .prompt_lookup_tokens = request.has_prompt_lookup_tokens()
                                      ? std::optional(request.prompt_lookup_tokens())
                                      : std::nullopt};
}

// The parameters of a validated request, with the model's defaults where they are unset. `field`
// names where the prompt came from, for errors. Returns INVALID_ARGUMENT if the prompt is empty or
// with its output does not fit the context, or if a parameter does not fit the model.
StatusOr<engine::Request> MakeEngineRequest(const ServedLanguageModel& model,
                                            const InferenceCall& call, std::string_view field,
                                            std::vector<engine::TokenId> prompt,
                                            const GenerationParams& params);

// Queues `request`, after compiling its constraint on this thread; one that cannot be used is
// INVALID_ARGUMENT with a violation of its field. A full queue, or a wait beyond the deadline, is
// RESOURCE_EXHAUSTED with ErrorInfo QUEUE_FULL and RetryInfo: when the prompts that wait now will
// be computed.
StatusOr<std::unique_ptr<engine::OutputStream>> Submit(const ServedLanguageModel& model,
                                                       engine::Request request);

// Takes one event; false means that nobody reads any more.
using EventSink = std::function<bool(const engine::OutputEvent& event)>;

// Hands every event to `sink` until all outputs have finished. Returns CANCELLED as soon as the
// client is gone, at most 20 ms late, or the stream's own error.
Status ReadEvents(engine::OutputStream& stream, const InferenceCall& call, std::int32_t num_outputs,
                  const EventSink& sink);

// Usage of a request from that of its outputs: the prompt counts once, tokens add up.
void AddUsage(const engine::Usage& output, inference::v1::Usage& total);

// The earlier of the client's deadline and the server's maximum for a generation.
std::chrono::steady_clock::time_point GenerationDeadline(const InferenceCall& call);

inference::v1::FinishReason ToProto(engine::FinishReason reason);
inference::v1::ScoredToken ToProto(const engine::ScoredToken& token);

}  // namespace quire::services
