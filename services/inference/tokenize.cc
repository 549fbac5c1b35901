#include "services/inference/handlers.h"
#include "services/inference/validation.h"

namespace quire::services {

Status Tokenize(const ModelRegistry& models, const inference::v1::TokenizeRequest& request,
                inference::v1::TokenizeResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* tokenizer, models.FindTokenizer(request.model()));
  const auto spans = tokenizer->EncodeWithSpans(
      request.text(),
      {.add_special_tokens = !request.omit_special_tokens(), .parse_special_tokens = false});
  response.mutable_tokens()->Reserve(static_cast<int>(spans.size()));
  for (const engine::TokenSpan& span : spans) {
    auto* token = response.add_tokens();
    token->set_id(span.id);
    token->set_text(tokenizer->TokenText(span.id));
    token->set_special(tokenizer->IsSpecial(span.id));
    token->set_start(span.begin);
    token->set_end(span.end);
  }
  return OkStatus();
}

Status Detokenize(const ModelRegistry& models, const inference::v1::DetokenizeRequest& request,
                  inference::v1::DetokenizeResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* tokenizer, models.FindTokenizer(request.model()));
  const std::span<const std::int32_t> ids(request.ids().data(),
                                          static_cast<std::size_t>(request.ids_size()));
  QUIRE_RETURN_IF_ERROR(ValidateIds("ids", ids, tokenizer->vocab_size()));
  QUIRE_ASSIGN_OR_RETURN(*response.mutable_text(),
                         tokenizer->Decode(ids, !request.keep_special_tokens()));
  return OkStatus();
}

Status CountTokens(const InferenceCall& call, const ModelRegistry& models,
                   const inference::v1::CountTokensRequest& request,
                   inference::v1::CountTokensResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* tokenizer, models.FindTokenizer(request.model()));
  response.mutable_num_tokens()->Reserve(request.texts_size());
  for (const std::string& text : request.texts()) {
    if (call.is_cancelled()) return Cancelled("call: the client is gone");
    const auto ids = tokenizer->Encode(
        text,
        {.add_special_tokens = request.include_special_tokens(), .parse_special_tokens = false});
    response.add_num_tokens(static_cast<std::int32_t>(ids.size()));
  }
  return OkStatus();
}

}  // namespace quire::services
