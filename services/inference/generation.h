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

// The parameters of a validated request, with the model's defaults where they are unset. `field`
// names where the prompt came from, for errors. Returns INVALID_ARGUMENT if the prompt is empty or
// with its output does not fit the context.
StatusOr<engine::Request> MakeEngineRequest(const ServedLanguageModel& model,
                                            const InferenceCall& call, std::string_view field,
                                            std::vector<engine::TokenId> prompt,
                                            const inference::v1::SamplingParams& sampling,
                                            const inference::v1::StoppingCriteria& stopping,
                                            const inference::v1::ResponseOptions& options);

// Queues `request`. A full queue is RESOURCE_EXHAUSTED with RetryInfo and ErrorInfo QUEUE_FULL.
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
