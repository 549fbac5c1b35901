#pragma once

#include <functional>
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
};
template <typename Request>
GenerationParams ParamsOf(const Request& request) {
  return {.sampling = request.sampling(),
          .stopping = request.stopping(),
          .options = request.options(),
          .constraint = request.constraint()};
}

// The parameters of a validated request, with the model's defaults where they are unset. `field`
// names where the prompt came from, for errors. Returns INVALID_ARGUMENT if the prompt is empty or
// with its output does not fit the context, or if a parameter does not fit the model.
StatusOr<engine::Request> MakeEngineRequest(const ServedLanguageModel& model,
                                            const InferenceCall& call, std::string_view field,
                                            std::vector<engine::TokenId> prompt,
                                            const GenerationParams& params);

// Queues `request`, after compiling its constraint on this thread. A full queue is
// RESOURCE_EXHAUSTED with RetryInfo and ErrorInfo QUEUE_FULL; a constraint that cannot be used is
// INVALID_ARGUMENT with a violation of its field.
StatusOr<std::unique_ptr<engine::OutputStream>> Submit(const ServedLanguageModel& model,
                                                       engine::Request request);

// Takes one event; false means that nobody reads any more.
using EventSink = std::function<bool(const engine::OutputEvent& event)>;

// Hands every event to `sink`, the one that finishes last. Returns CANCELLED as soon as the client
// is gone, at most 20 ms late, or the stream's own error.
Status ReadEvents(engine::OutputStream& stream, const InferenceCall& call, const EventSink& sink);

// The earlier of the client's deadline and the server's maximum for a generation.
std::chrono::steady_clock::time_point GenerationDeadline(const InferenceCall& call);

inference::v1::FinishReason ToProto(engine::FinishReason reason);
inference::v1::Usage ToProto(const engine::Usage& usage);
inference::v1::ScoredToken ToProto(const engine::ScoredToken& token);

}  // namespace quire::services
