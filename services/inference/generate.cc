#include "services/inference/handlers.h"
#include "services/inference/responses.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;

StatusOr<std::vector<engine::TokenId>> PromptTokens(const ServedLanguageModel& model,
                                                    const GenerateRequest& request) {
  const engine::Engine& engine = *model.engine;
  if (request.has_text()) {
    return engine.tokenizer().Encode(request.text(),
                                     {.add_special_tokens = true, .parse_special_tokens = false});
  }
  const auto& ids = request.token_ids().ids();
  QUIRE_RETURN_IF_ERROR(ValidateIds("token_ids.ids",
                                    {ids.data(), static_cast<std::size_t>(ids.size())},
                                    engine.config().vocab_size));
  return std::vector<engine::TokenId>(ids.begin(), ids.end());
}

StatusOr<engine::Request> MakeRequest(const ServedLanguageModel& model, const InferenceCall& call,
                                      const GenerateRequest& request) {
  QUIRE_ASSIGN_OR_RETURN(auto prompt, PromptTokens(model, request));
  return MakeEngineRequest(model, call, request.has_text() ? "text" : "token_ids.ids",
                           std::move(prompt), ParamsOf(request));
}

}  // namespace

Status Generate(const InferenceCall& call, const ModelRegistry& models,
                const GenerateRequest& request, inference::v1::GenerateResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(auto engine_request, MakeRequest(*model, call, request));
  return CollectEvents(*model, call, std::move(engine_request), response, *response.mutable_text(),
                       [&](const engine::OutputEvent& event) {
                         response.mutable_token_ids()->Add(event.ids.begin(), event.ids.end());
                       });
}

Status StreamGenerate(const InferenceCall& call, const ModelRegistry& models,
                      const GenerateRequest& request,
                      const ResponseWriter<inference::v1::StreamGenerateResponse>& writer) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindLanguageModel(request.model()));
  QUIRE_ASSIGN_OR_RETURN(auto engine_request, MakeRequest(*model, call, request));
  return StreamEvents(*model, call, std::move(engine_request), writer);
}

}  // namespace quire::services
