#include "services/retrieval/grpc_reranker.h"

#include <algorithm>
#include <cmath>

namespace quire::services {
namespace {

using inference::v1::RerankRequest;
using inference::v1::RerankResponse;

// A cancelled search ends between two requests.
constexpr std::size_t kMaxRerankedTexts = 64;

// Scores of one response by index, into `scores`. Returns INTERNAL unless each text has one.
Status TakeScores(const RerankResponse& response, std::span<double> scores) {
  std::fill(scores.begin(), scores.end(), std::nan(""));
  for (const auto& document : response.documents()) {
    const auto index = static_cast<std::size_t>(document.index());
    if (index < scores.size()) scores[index] = document.score();
  }
  const auto bad = std::find_if(scores.begin(), scores.end(),
                                [](double score) { return !std::isfinite(score); });
  if (bad == scores.end()) return OkStatus();
  return Internal("reranking: wanted a finite score for each of {} texts, have none for text {}",
                  scores.size(), bad - scores.begin());
}

}  // namespace

StatusOr<std::vector<double>> GrpcReranker::Rerank(const std::string& model,
                                                   const std::string& query,
                                                   std::span<const std::string_view> texts) {
  std::vector<double> scores(texts.size());
  for (std::size_t begin = 0; begin < texts.size(); begin += kMaxRerankedTexts) {
    const std::size_t count = std::min(kMaxRerankedTexts, texts.size() - begin);
    RerankRequest request;
    request.set_model(model);
    request.set_query(query);
    for (const std::string_view text : texts.subspan(begin, count)) {
      request.add_documents(text.data(), text.size());
    }
    RerankResponse response;
    const auto context = calls_.NewContext();
    QUIRE_RETURN_IF_ERROR(calls_.Translate(stub_.Rerank(context.get(), request, &response)));
    QUIRE_RETURN_IF_ERROR(TakeScores(response, std::span(scores).subspan(begin, count)));
  }
  return scores;
}

}  // namespace quire::services
