#include <algorithm>

#include "services/inference/handlers.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using inference::v1::EmbedRequest;

// The embedder serves one batch after another: short ones let calls take turns, and a cancelled
// call ends early.
constexpr int kTextsPerBatch = 64;

Status RefuseLongTexts(const engine::Embedder& embedder, const EmbedRequest& request) {
  for (int i = 0; i < request.texts_size(); ++i) {
    const auto ids = embedder.tokenizer().Encode(
        request.texts(i), {.add_special_tokens = true, .parse_special_tokens = false});
    if (ids.size() > static_cast<std::size_t>(embedder.max_tokens())) {
      return ContextLengthExceeded(fmt::format("texts[{}]", i),
                                   static_cast<std::int64_t>(ids.size()), embedder.max_tokens());
    }
  }
  return OkStatus();
}

void Append(const engine::EmbeddingBatch& batch, inference::v1::EmbedResponse& response) {
  for (std::size_t i = 0; i < batch.num_tokens.size(); ++i) {
    auto* embedding = response.add_embeddings();
    const float* values = batch.values.data() + i * static_cast<std::size_t>(batch.dimension);
    embedding->mutable_values()->Add(values, values + batch.dimension);
    embedding->set_num_tokens(batch.num_tokens[i]);
    embedding->set_truncated(batch.truncated[i]);
  }
}

}  // namespace

Status Embed(const InferenceCall& call, const ModelRegistry& models, const EmbedRequest& request,
             inference::v1::EmbedResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindEmbeddingModel(request.model()));
  engine::Embedder& embedder = *model->embedder;
  if (request.refuse_long_texts()) QUIRE_RETURN_IF_ERROR(RefuseLongTexts(embedder, request));
  for (int begin = 0; begin < request.texts_size(); begin += kTextsPerBatch) {
    if (call.is_cancelled()) return Cancelled("call: the client is gone");
    const int end = std::min(begin + kTextsPerBatch, request.texts_size());
    const std::vector<std::string> texts(request.texts().begin() + begin,
                                         request.texts().begin() + end);
    QUIRE_ASSIGN_OR_RETURN(const auto batch, embedder.Embed(texts, /*truncate=*/true));
    Append(batch, response);
  }
  response.set_model(model->name);
  response.set_fingerprint(embedder.fingerprint());
  return OkStatus();
}

}  // namespace quire::services
