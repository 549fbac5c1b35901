#include "services/retrieval/grpc_embedder.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quire::services {
namespace {

using inference::v1::CountTokensRequest;
using inference::v1::CountTokensResponse;
using inference::v1::EmbedRequest;
using inference::v1::EmbedResponse;

constexpr std::size_t kMaxEmbeddedTexts = 64;
constexpr std::size_t kMaxCountedTexts = 16'384;
constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;
constexpr std::string_view kModelPrefix = "models/";

// The model was there when the collection was made.
Status ModelIsGone(const Status& status) {
  if (!absl::IsNotFound(status)) return status;
  return FailedPrecondition("{}; the collection was made with this model", Message(status));
}

// The start of `texts` that fits one request: at least one.
std::span<const std::string_view> NextBatch(std::span<const std::string_view> texts,
                                            std::size_t max_texts) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < std::min(texts.size(), max_texts)) {
    bytes += texts[count].size();
    if (count > 0 && bytes > kMaxRequestBytes) break;
    ++count;
  }
  return texts.first(count);
}

template <typename Request>
void AddTexts(std::span<const std::string_view> texts, Request& request) {
  request.mutable_texts()->Reserve(static_cast<int>(texts.size()));
  for (const std::string_view text : texts) request.add_texts(text.data(), text.size());
}

// Appends a vector, scaled to unit length, or 0 for a text without tokens. Returns INTERNAL if that
// cannot be done.
Status AppendUnitVector(const inference::v1::Embedding& embedding, int dimension,
                        std::vector<float>& vectors) {
  if (embedding.values_size() != dimension) {
    return Internal("embedding: wanted {} values, have {}", dimension, embedding.values_size());
  }
  double sum_of_squares = 0;
  for (const float value : embedding.values()) sum_of_squares += double{value} * double{value};
  if (sum_of_squares == 0 && embedding.num_tokens() == 0) {
    vectors.insert(vectors.end(), static_cast<std::size_t>(dimension), 0.0f);
    return OkStatus();
  }
  if (!std::isfinite(sum_of_squares) || sum_of_squares <= 0) {
    return Internal("embedding: wanted finite values, not all zero, have a length of {}",
                    std::sqrt(sum_of_squares));
  }
  const double scale = 1.0 / std::sqrt(sum_of_squares);
  for (const float value : embedding.values()) {
    vectors.push_back(static_cast<float>(value * scale));
  }
  return OkStatus();
}

}  // namespace

StatusOr<retrieval::EmbeddingModel> GrpcEmbedder::Describe(const std::string& model) {
  inference::v1::GetModelRequest request;
  inference::v1::GetModelResponse response;
  const std::string_view name = model.empty() ? "default-embedding" : std::string_view(model);
  request.set_name(std::string(name.starts_with(kModelPrefix) ? "" : kModelPrefix).append(name));
  const auto context = calls_.NewContext();
  QUIRE_RETURN_IF_ERROR(calls_.Translate(stub_.GetModel(context.get(), request, &response)));
  const inference::v1::Model& found = response.model();
  if (!found.can_embed() || found.embedding_dimension() <= 0) {
    return FailedPrecondition("embedding model: wanted one that embeds, have {}", found.name());
  }
  QUIRE_ASSIGN_OR_RETURN(const std::int32_t num_special, NumSpecialTokens(found.name()));
  return retrieval::EmbeddingModel{.name = found.name(),
                                   .fingerprint = found.fingerprint(),
                                   .dimension = found.embedding_dimension(),
                                   .max_tokens = found.context_tokens() - num_special};
}

StatusOr<std::int32_t> GrpcEmbedder::NumSpecialTokens(const std::string& model) {
  CountTokensRequest request;
  CountTokensResponse response;
  request.set_model(model);
  request.add_texts("");
  request.set_include_special_tokens(true);
  const auto context = calls_.NewContext();
  QUIRE_RETURN_IF_ERROR(calls_.Translate(stub_.CountTokens(context.get(), request, &response)));
  if (response.num_tokens_size() != 1) {
    return Internal("token counts: wanted 1, have {}", response.num_tokens_size());
  }
  return response.num_tokens(0);
}

StatusOr<std::vector<std::int32_t>> GrpcEmbedder::CountTokens(
    const std::string& model, std::span<const std::string_view> texts) {
  std::vector<std::int32_t> counts;
  counts.reserve(texts.size());
  while (!texts.empty()) {
    const auto batch = NextBatch(texts, kMaxCountedTexts);
    texts = texts.subspan(batch.size());
    CountTokensRequest request;
    CountTokensResponse response;
    request.set_model(model);
    AddTexts(batch, request);
    const auto context = calls_.NewContext();
    QUIRE_RETURN_IF_ERROR(
        ModelIsGone(calls_.Translate(stub_.CountTokens(context.get(), request, &response))));
    if (static_cast<std::size_t>(response.num_tokens_size()) != batch.size()) {
      return Internal("token counts: wanted {}, have {}", batch.size(), response.num_tokens_size());
    }
    counts.insert(counts.end(), response.num_tokens().begin(), response.num_tokens().end());
  }
  return counts;
}

StatusOr<EmbedResponse> GrpcEmbedder::EmbedBatch(const std::string& model,
                                                 std::span<const std::string_view> texts,
                                                 InputType type) {
  EmbedRequest request;
  EmbedResponse response;
  request.set_model(model);
  AddTexts(texts, request);
  request.set_input_type(type == InputType::kQuery ? inference::v1::EMBED_INPUT_TYPE_QUERY
                                                   : inference::v1::EMBED_INPUT_TYPE_PASSAGE);
  request.set_refuse_long_texts(true);
  const auto context = calls_.NewContext();
  QUIRE_RETURN_IF_ERROR(
      ModelIsGone(calls_.Translate(stub_.Embed(context.get(), request, &response))));
  if (static_cast<std::size_t>(response.embeddings_size()) != texts.size()) {
    return Internal("embeddings: wanted {}, have {}", texts.size(), response.embeddings_size());
  }
  return response;
}

StatusOr<retrieval::Embedder::Result> GrpcEmbedder::Embed(const std::string& model,
                                                          std::span<const std::string_view> texts,
                                                          InputType type) {
  Result result;
  while (!texts.empty()) {
    const auto batch = NextBatch(texts, kMaxEmbeddedTexts);
    texts = texts.subspan(batch.size());
    QUIRE_ASSIGN_OR_RETURN(const EmbedResponse response, EmbedBatch(model, batch, type));
    if (result.fingerprint.empty()) result.fingerprint = response.fingerprint();
    if (response.fingerprint() != result.fingerprint) {
      return FailedPrecondition("embedding model {}: wanted fingerprint {}, have {} since", model,
                                result.fingerprint, response.fingerprint());
    }
    const int dimension = response.embeddings(0).values_size();
    for (const auto& embedding : response.embeddings()) {
      QUIRE_RETURN_IF_ERROR(AppendUnitVector(embedding, dimension, result.vectors));
    }
  }
  return result;
}

}  // namespace quire::services
