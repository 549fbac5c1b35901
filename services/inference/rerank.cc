#include <algorithm>
#include <numeric>

#include "services/inference/handlers.h"
#include "services/inference/validation.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using inference::v1::RerankRequest;
using inference::v1::RerankResponse;

// A cancelled call ends between two batches.
constexpr int kDocumentsPerBatch = 64;

// Without this the engine would say the same, but not in fields that a client can read.
Status CheckQueryLength(const engine::Reranker& reranker, const std::string& query) {
  const auto num_tokens = static_cast<std::int64_t>(
      reranker.tokenizer().Encode(query, {.add_special_tokens = false}).size());
  if (num_tokens <= reranker.max_query_tokens()) return OkStatus();
  return ContextLengthExceeded("query", num_tokens, reranker.max_query_tokens());
}

void Append(const engine::RerankBatch& batch, RerankResponse& scored) {
  for (std::size_t i = 0; i < batch.scores.size(); ++i) {
    auto* document = scored.add_documents();
    document->set_index(scored.documents_size() - 1);
    document->set_score(batch.scores[i]);
    document->set_num_tokens(batch.num_tokens[i]);
    document->set_truncated(batch.truncated[i]);
  }
}

// The `top_n` best of what was scored, all if it is 0.
void Rank(std::int32_t top_n, RerankResponse& scored) {
  auto& documents = *scored.mutable_documents();
  std::stable_sort(documents.begin(), documents.end(),
                   [](const auto& a, const auto& b) { return a.score() > b.score(); });
  if (top_n > 0 && top_n < documents.size()) {
    documents.DeleteSubrange(top_n, documents.size() - top_n);
  }
}

}  // namespace

Status Rerank(const InferenceCall& call, const ModelRegistry& models, const RerankRequest& request,
              RerankResponse& response) {
  QUIRE_RETURN_IF_ERROR(Validate(request));
  QUIRE_ASSIGN_OR_RETURN(const auto* model, models.FindRerankingModel(request.model()));
  engine::Reranker& reranker = *model->reranker;
  QUIRE_RETURN_IF_ERROR(CheckQueryLength(reranker, request.query()));
  for (int begin = 0; begin < request.documents_size(); begin += kDocumentsPerBatch) {
    if (call.is_cancelled()) return Cancelled("call: the client is gone");
    const int end = std::min(begin + kDocumentsPerBatch, request.documents_size());
    const std::vector<std::string> documents(request.documents().begin() + begin,
                                             request.documents().begin() + end);
    QUIRE_ASSIGN_OR_RETURN(const auto batch, reranker.Rerank(request.query(), documents));
    Append(batch, response);
  }
  Rank(request.top_n(), response);
  response.set_model(model->name);
  return OkStatus();
}

}  // namespace quire::services
