#include "engine/sampling/logits.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/token_sampler.h"

namespace quire::engine {
namespace {

// log(sum(exp(logits))), shifted by the maximum so that nothing overflows.
double LogSumExp(std::span<const float> logits) {
  const double max = kernels::FindExtremes(logits).max;
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - max);
  return max + std::log(sum);
}

// Ids of the `count` largest logits, largest first, lower ids first among equals.
std::vector<TokenId> TopIds(std::span<const float> logits, std::int32_t count) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto before = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto size = std::min(static_cast<std::size_t>(count), ids.size());
  const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(size);
  std::partial_sort(ids.begin(), middle, ids.end(), before);
  ids.resize(size);
  return ids;
}

}  // namespace

Status NotFiniteError() {
  return DataLoss("logits: wanted finite numbers, have NaN or infinity: damaged weights");
}

Status CheckFinite(std::span<const float> logits) {
  return kernels::FindExtremes(logits).is_finite ? OkStatus() : NotFiniteError();
}

ScoredToken Score(std::span<const float> logits, TokenId id, std::int32_t num_top) {
  const double log_sum = LogSumExp(logits);
  const auto score = [&](TokenId token) {
    const double logit = logits[static_cast<std::size_t>(token)];
    return TokenLogprob{.id = token, .logprob = static_cast<float>(logit - log_sum)};
  };
  ScoredToken scored = {.token = score(id), .top = {}};
  if (num_top == 0) return scored;
  for (const TokenId top : TopIds(logits, num_top)) scored.top.push_back(score(top));
  return scored;
}

}  // namespace quire::engine
