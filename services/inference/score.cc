#include "services/inference/generation.h"
#include "services/inference/handlers.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

StatusOr<engine::Request> MakeRequest(const ServedLanguageModel& model, const InferenceCall& call,
                                      const inference::v1::ScoreRequest& request) {
  const std::int32_t context_tokens = model.engine->limits().context_tokens;
  if (request.ids_size() > context_tokens) {
    return ContextLengthExceeded("ids", request.ids_size(), context_tokens);
  }
  QUIRE_RETURN_IF_ERROR(
      ValidateIds("ids", {request.ids().data(), static_cast<std::size_t>(request.ids_size())},
                  model.engine->config().vocab_size));
  engine::Request scoring;
  scoring.prompt.assign(request.ids().begin(), request.ids().end());
  scoring.max_new_tokens = 0;
  scoring.num_prompt_logprobs = request.top();
  scoring.scheduling.client = call.peer;
  scoring.deadline = GenerationDeadline(call);
  return scoring;
}

}  // namespace

Status Score(const InferenceCall& call, const ModelRegistry& models,
             const inference::v1::ScoreRequest& request, inference::v1::ScoreResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(auto scoring, MakeRequest(*model, call, request));
  QUIRE_ASSIGN_OR_RETURN(const auto stream, Submit(*model, std::move(scoring)));
  return ReadEvents(*stream, call, /*num_outputs=*/1, [&](const engine::OutputEvent& event) {
    for (const auto& token : event.prompt_logprobs) *response.add_tokens() = ToProto(token);
    if (event.finish) AddUsage(event.usage, *response.mutable_usage());
    return true;
  });
}

}  // namespace quire::services
